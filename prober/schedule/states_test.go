package schedule

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

func TestThresholdsAndTransitions(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		r := recorder{answer: func(_ context.Context, n int) prober.Result {
			if n > 3 {
				return prober.Result{Outcome: health.Fail, Reason: prober.ReasonStatus, Error: "status 500", StatusCode: 500}
			}
			return prober.Result{Outcome: health.Pass, StatusCode: 200}
		}}
		s.Sync([]Job{{Target: target("a", 10*time.Second), Module: r.module("a")}})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		transitions, _ := s.Transitions("a")
		var path []string
		for _, tr := range transitions {
			path = append(path, tr.To.String())
		}
		if want := []string{"healthy", "degraded", "unhealthy"}; !slices.Equal(path, want) {
			t.Errorf("transitions %v, want %v", path, want)
		}
		st, _ := s.Status("a")
		if st.Up || st.Reason != prober.ReasonStatus || st.StatusCode != http.StatusInternalServerError || st.Changes != [4]uint32{0, 1, 1, 1} {
			t.Errorf("status %+v", st)
		}
		if !st.Since.Equal(transitions[2].Time) || st.LastHealthy.IsZero() {
			t.Errorf("since %v, last healthy %v, transitions %v", st.Since, st.LastHealthy, transitions)
		}
		select {
		case <-s.Changed():
		default:
			t.Error("no signal of the change")
		}
		if saved := s.TakeChanged(false).States["a"]; saved == nil || saved.State.Verdict != health.Unhealthy || len(saved.Transitions) != 3 {
			t.Errorf("to save: %+v", saved)
		}
		entries, _ := s.History("a", 2)
		if len(entries) != 2 || entries[0].Error != "status 500" || !entries[0].Time.After(entries[1].Time) {
			t.Errorf("history %+v", entries)
		}
	})
}

func TestStateSurvivesRestartAndChanges(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var r recorder
		first := target("a", 10*time.Second)
		since := time.Now().Add(-time.Hour)
		saved := &Saved{State: health.State{Verdict: health.Unhealthy, Failures: 7}, Since: since, Place: first.Place()}
		s.Sync([]Job{{Target: first, Module: r.module("a"), Saved: saved}})
		st, _ := s.Status("a")
		if st.State.Verdict != health.Unhealthy || !st.Since.Equal(since) || st.Probed {
			t.Fatalf("restored %+v", st)
		}

		other := target("a", 20*time.Second)
		other.Timeout = time.Second
		s.Sync([]Job{{Target: other, Module: r.module("another")}})
		if st, _ = s.Status("a"); st.State.Verdict != health.Unhealthy {
			t.Errorf("another interval and module: state %v", st.State.Verdict)
		}

		moved := target("a", 20*time.Second)
		moved.URL = "http://elsewhere"
		s.Sync([]Job{{Target: moved, Module: r.module("another")}})
		if st, _ = s.Status("a"); st.State != (health.State{}) || !st.Since.After(since) {
			t.Errorf("another place: state %+v since %v", st.State, st.Since)
		}
	})
}

func TestSavedStateOfAnotherPlaceIsNotRestored(t *testing.T) {
	s := New(Options{})
	var r recorder
	saved := &Saved{State: health.State{Verdict: health.Healthy}, Place: "http://elsewhere"}
	s.Sync([]Job{{Target: target("a", time.Minute), Module: r.module("a"), Saved: saved}})
	if st, _ := s.Status("a"); st.State.Verdict != health.Unknown {
		t.Errorf("state %v", st.State.Verdict)
	}
}

// TestStateOfACheck: an in-process check has no place; its state is that of its kind.
func TestStateOfACheck(t *testing.T) {
	s := New(Options{})
	var r recorder
	check := func(kind string) Job {
		return Job{Target: &prober.Target{App: "a", Interval: time.Minute, Timeout: time.Second}, Check: &Check{Kind: kind}, Module: r.module(kind)}
	}
	job := check("disk")
	job.Saved = &Saved{State: health.State{Verdict: health.Healthy}, Since: time.Now(), Place: "disk"}
	s.Sync([]Job{job})
	st, _ := s.Status("a")
	if st.State.Verdict != health.Healthy || st.Check == nil || st.Check.Kind != "disk" {
		t.Errorf("restored: %+v", st)
	}
	if saved := s.TakeAll().States["a"]; saved == nil || saved.Place != "disk" {
		t.Errorf("saved: %+v", saved)
	}
	s.Sync([]Job{check("disk")})
	if st, _ = s.Status("a"); st.State.Verdict != health.Healthy {
		t.Errorf("another check of the same kind: state %v", st.State.Verdict)
	}
	s.Sync([]Job{check("memory")})
	if st, _ = s.Status("a"); st.State.Verdict != health.Unknown || st.Check.Kind != "memory" {
		t.Errorf("a check of another kind: state %v of %v", st.State.Verdict, st.Check)
	}
	s.Sync([]Job{{Target: target("a", time.Minute), Module: r.module("a")}})
	if st, _ = s.Status("a"); st.Check != nil {
		t.Error("a target is a check")
	}
}

func TestInconclusiveResultsChangeNoState(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		r := recorder{answer: func(context.Context, int) prober.Result {
			res := prober.Failure(prober.ReasonInternal, errors.New("too many open files"))
			res.Inconclusive = true
			return res
		}}
		s.Sync([]Job{{Target: target("a", 10*time.Second), Module: r.module("a")}})
		time.Sleep(time.Minute)
		synctest.Wait()
		st, _ := s.Status("a")
		if st.State != (health.State{}) || st.Probed || st.Fails != 0 || st.Error == "" {
			t.Errorf("status %+v", st)
		}
	})
}

// What cannot be checked is not known, however well it was: but one time does not
// matter.
func TestInconclusiveResultsEndInUnknown(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		lost := map[int]bool{4: true, 7: true, 8: true, 9: true}
		r := recorder{answer: func(_ context.Context, n int) prober.Result {
			if !lost[n] {
				return prober.Result{Outcome: health.Pass}
			}
			res := prober.Failure(prober.ReasonDNS, errors.New("no name server answers"))
			res.Inconclusive = true
			return res
		}}
		tg := target("a", 10*time.Second)
		tg.Healthy, tg.Unhealthy = 2, 2
		s.Sync([]Job{{Target: tg, Module: r.module("a")}})
		var got []string
		for range 13 {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			st, _ := s.Status("a")
			got = append(got, st.State.Verdict.String())
		}
		list, _ := s.Transitions("a")
		var moves []string
		for _, tr := range list {
			moves = append(moves, tr.From.String()+" "+tr.To.String()+" "+tr.Reason)
		}
		want := []string{"unknown healthy ", "healthy unknown could not be checked: no name server answers", "unknown healthy "}
		if !slices.Equal(moves, want) {
			t.Errorf("%q, states %q", moves, got)
		}
	})
}

func TestObserve(t *testing.T) {
	type observation struct {
		app     string
		outcome health.Outcome
		took    time.Duration
	}
	var mu sync.Mutex
	var seen []observation
	opts := Options{Observe: func(target *prober.Target, o health.Outcome, took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, observation{target.App, o, took})
	}}
	inBubble(t, opts, func(t *testing.T, s *Scheduler) {
		r := recorder{answer: func(_ context.Context, n int) prober.Result {
			time.Sleep(time.Duration(n) * time.Second)
			switch n {
			case 1:
				return prober.Result{Outcome: health.Pass}
			case 2:
				return prober.Result{Outcome: health.Warn}
			case 3:
				return prober.Result{Outcome: health.Fail, Reason: prober.ReasonInternal, Inconclusive: true}
			}
			return prober.Result{Outcome: health.Fail, Reason: prober.ReasonStatus}
		}}
		s.Sync([]Job{{Target: target("a", 10*time.Second), Module: r.module("a")}})
		for r.count() < 4 {
			time.Sleep(time.Second)
		}
		time.Sleep(5 * time.Second)
		for r.count() < 5 {
			time.Sleep(time.Second)
		}
		s.Sync(nil) // the fifth probe counts for nothing
		time.Sleep(time.Minute)
		synctest.Wait()
	})
	want := []observation{{"a", health.Pass, time.Second}, {"a", health.Warn, 2 * time.Second}, {"a", health.Fail, 4 * time.Second}}
	if !slices.Equal(seen, want) {
		t.Errorf("observed %v, want %v", seen, want)
	}
}
