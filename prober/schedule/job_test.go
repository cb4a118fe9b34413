package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// What a probe found is in the status, all of it.
func TestStatusHasAllOfTheResult(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		expiry := time.Now().Add(time.Hour)
		report := &health.Report{Status: health.Warn}
		r := recorder{answer: func(context.Context, int) prober.Result {
			time.Sleep(250 * time.Millisecond)
			return prober.Result{
				Outcome: health.Fail, Reason: prober.ReasonStatus, Phase: prober.PhaseCheck, Error: "status 503", StatusCode: 503,
				CertExpiry: expiry, Report: report, BodyError: true, Response: []byte("{}"),
			}
		}}
		made := target("a", time.Hour)
		s.Sync([]Job{{Target: made, Module: r.module("a")}})
		time.Sleep(time.Hour)
		synctest.Wait()
		end := r.times[0].Add(250 * time.Millisecond)
		want := Status{
			Target: made, State: health.State{Verdict: health.Degraded, Failures: 1}, Since: end, Probed: true, Failing: true, LastProbe: end,
			Latency: 250 * time.Millisecond, StatusCode: 503, CertExpiry: expiry, Reason: prober.ReasonStatus, Error: "status 503",
			Report: report, Response: []byte("{}"), Fails: 1, BodyErrors: 1,
		}
		want.Failures[4], want.Changes[health.Degraded] = 1, 1
		if got, _ := s.Status("a"); !cmp.Equal(*got, want) {
			t.Errorf("(-want +got):\n%s", cmp.Diff(want, *got))
		}
	})
}

// A change of what binds or hinders a target reaches the next probe, or the page, though
// the target and its module are the same.
func TestSurroundingsChange(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var r recorder
		job := Job{Target: target("a", 10*time.Second), Module: r.module("a")}
		s.Sync([]Job{job})
		job.Network = &prober.NetworkPolicy{}
		s.Sync([]Job{job})
		j := s.find("a")
		j.mu.Lock()
		network := j.desired.Network
		j.mu.Unlock()
		if network != job.Network {
			t.Error("the network policy is still the old one")
		}
		job.Module = nil
		for _, problem := range []string{"gone", "still gone"} {
			job.Problem = problem
			s.Sync([]Job{job})
			if st, _ := s.Status("a"); st.Problem != problem {
				t.Errorf("the problem is %q, want %q", st.Problem, problem)
			}
		}
	})
}

// Pausing ends the probe under way at once, and it counts for nothing.
func TestPauseEndsTheProbe(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		ended := make(chan time.Time, 1)
		r := recorder{answer: func(ctx context.Context, _ int) prober.Result {
			<-ctx.Done()
			ended <- time.Now()
			return prober.Result{Outcome: health.Pass} // as if it had been quicker
		}}
		job := Job{Target: target("a", 10*time.Second), Module: r.module("a")}
		s.Sync([]Job{job})
		for r.count() == 0 {
			time.Sleep(time.Second)
		}
		paused := *job.Target
		paused.Paused = true
		job.Target = &paused
		before := time.Now()
		s.Sync([]Job{job})
		if at := <-ended; at.After(before) {
			t.Errorf("it ended %s later", at.Sub(before))
		}
		synctest.Wait()
		if st, _ := s.Status("a"); st.Probed || st.Passes != 0 {
			t.Errorf("it counted: %+v", st)
		}
	})
}

// Only inconclusive results in a row end in UNKNOWN.
func TestInconclusiveNowAndThen(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		r := recorder{answer: func(_ context.Context, n int) prober.Result {
			if n%2 == 0 {
				return prober.Result{Outcome: health.Fail, Reason: prober.ReasonInternal, Error: "no descriptors", Inconclusive: true}
			}
			return prober.Result{Outcome: health.Pass}
		}}
		s.Sync([]Job{{Target: target("a", 10*time.Second), Module: r.module("a")}})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if st, _ := s.Status("a"); st.State.Verdict != health.Healthy || st.Changes[health.Unknown] != 0 {
			t.Errorf("%s after %d probes, %d times UNKNOWN", st.State.Verdict, r.count(), st.Changes[health.Unknown])
		}
	})
}

// Of many changes of state the newest are kept.
func TestTransitionsAreBounded(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		r := recorder{answer: func(_ context.Context, n int) prober.Result {
			if n%2 == 0 {
				return prober.Failure(prober.ReasonStatus, fmt.Errorf("status %d", n))
			}
			return prober.Result{Outcome: health.Pass}
		}}
		nervous := target("a", 10*time.Second)
		nervous.Unhealthy, nervous.Healthy = 1, 1
		s.Sync([]Job{{Target: nervous, Module: r.module("a")}})
		for r.count() < 2*MaxTransitions {
			time.Sleep(10 * time.Second)
		}
		synctest.Wait()
		list, _ := s.Transitions("a")
		last := r.count() - r.count()%2
		if len(list) != MaxTransitions || !strings.Contains(fmt.Sprint(list[MaxTransitions-2:]), fmt.Sprintf("status %d", last)) {
			t.Errorf("%d transitions, the last ones %+v", len(list), list[max(0, len(list)-2):])
		}
	})
}

// A target that is removed between the look for it and the probe is unknown.
func TestProbeNowOfTheRemoved(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var r recorder
		s.Sync([]Job{{Target: target("a", time.Hour), Module: r.module("a"), NotBefore: time.Now().Add(time.Hour)}})
		synctest.Wait()
		j := s.find("a")
		s.Sync(nil)
		if err := s.startNow(j, make(chan Entry, 1)); !errors.Is(err, ErrUnknownTarget) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if r.count() != 0 {
			t.Error("it was probed")
		}
	})
}

// Three quarters of the probes in flight are for those that answer.
func TestLanes(t *testing.T) {
	for limit, want := range map[int][2]int64{0: {3, 1}, 4: {3, 1}, 7: {6, 1}, 100: {75, 25}, 4096: {3072, 1024}} {
		if l := newLanes(limit); l.limit != want {
			t.Errorf("of %d: %v, want %v", limit, l.limit, want)
		}
	}
	if l := New(Options{}).lanes.limit; l[fastLane]+l[slowLane] != 4096 {
		t.Errorf("by default: %v", l)
	}
}

// A large response is in the status, and not once more in the log of each probe.
func TestLargeResponses(t *testing.T) {
	var h history
	for _, size := range []int{maxNoteResponse, 4097} {
		h.add(&prober.Result{Outcome: health.Pass, Response: make([]byte, size)}, health.Healthy)
	}
	if list := h.entries(2); len(list[1].Response) != 4096 || list[0].Response != nil {
		t.Errorf("kept %d and %d bytes", len(list[1].Response), len(list[0].Response))
	}
}

// A warning is looked at closely, as a failure is.
func TestWarningsAreLookedAt(t *testing.T) {
	for outcome, want := range map[health.Outcome]bool{health.Pass: false, health.Warn: true, health.Fail: true} {
		var h history
		h.add(&prober.Result{Outcome: outcome}, health.Healthy)
		if h.failedLast() != want {
			t.Errorf("%s: %t", outcome, !want)
		}
	}
}

// A check that hangs fails at each turn, though its run gives no new result.
func TestHungCheckGoesOnFailing(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		release := make(chan struct{})
		checker := &health.Checker{MuteFailures: true}
		err := checker.Add(health.Check{Name: "c", MaxAge: time.Hour, Timeout: time.Second, Run: func(context.Context) error {
			<-release
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		s.Sync([]Job{{Target: target("c", 10*time.Second), Module: prober.CheckModule(checker, "c", time.Second)}})
		time.Sleep(time.Minute)
		synctest.Wait()
		if st, _ := s.Status("c"); st.Fails < 5 || st.State.Verdict != health.Unhealthy {
			t.Errorf("%d failures in a minute, %s", st.Fails, st.State.Verdict)
		}
		close(release)
		if err := checker.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestFailing: whether a state comes of failures, or of warnings only.
func TestFailing(t *testing.T) {
	outcomes := []health.Outcome{
		health.Pass, health.Warn, health.Pass, health.Pass, health.Fail, health.Pass, health.Warn, health.Pass, health.Pass,
		health.Fail, health.Fail, health.Warn, health.Warn,
	}
	want := []string{
		"healthy false", "degraded false", "degraded false", "healthy false", "degraded true", "degraded true", "degraded true", "degraded true", "healthy false",
		"degraded true", "unhealthy true", "unhealthy true", "degraded false",
	}
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		r := recorder{answer: func(_ context.Context, n int) prober.Result {
			return prober.Result{Outcome: outcomes[min(n, len(outcomes))-1]}
		}}
		made := target("a", time.Minute)
		made.Unhealthy, made.Healthy, made.FastStart = 2, 2, true
		s.Sync([]Job{{Target: made, Module: r.module("a")}})
		var got []string
		for n := 0; len(got) < len(outcomes); time.Sleep(time.Second) {
			if r.count() > n {
				n = r.count()
				synctest.Wait()
				st, _ := s.Status("a")
				got = append(got, fmt.Sprintf("%s %t", st.State.Verdict, st.Failing))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// What was saved of a job stays as it was, although the job goes on.
func TestWhatIsSavedDoesNotChange(t *testing.T) {
	now := time.Unix(1764252345, 0)
	j := newJob(Job{Target: target("a", time.Second), Module: passing()}, now, newChanges())
	states := []health.Verdict{health.Healthy, health.Unhealthy}
	var saved []*Saved
	var then [][]Transition
	for i := range 3 * MaxTransitions {
		j.mu.Lock()
		st := *j.status.Load()
		j.move(&st, health.State{Verdict: states[i%2]}, now.Add(time.Duration(i)*time.Second), fmt.Sprint(i))
		j.status.Store(&st)
		saved = append(saved, j.savedLocked())
		j.mu.Unlock()
		then = append(then, slices.Clone(saved[i].Transitions))
		if again := newJob(Job{Target: target("a", time.Second), Module: passing(), Saved: saved[i]}, now, newChanges()); i%10 == 0 {
			st := *again.status.Load()
			again.move(&st, health.State{Verdict: health.Degraded}, now, "another")
		}
	}
	for i := range saved {
		if !slices.Equal(saved[i].Transitions, then[i]) || then[i][len(then[i])-1].Reason != fmt.Sprint(i) || len(then[i]) > MaxSavedTransitions {
			t.Fatalf("what was saved after change %d is now\n%+v instead of\n%+v", i, saved[i].Transitions, then[i])
		}
	}
	if len(j.transitions) != MaxTransitions {
		t.Errorf("%d transitions are kept", len(j.transitions))
	}
}
