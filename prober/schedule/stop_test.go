package schedule

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// A probe that is cut off since we stop, or since its target is no more, says nothing:
// not that the target failed, nor that it could not be checked.
func TestProbesCutOffChangeNothing(t *testing.T) {
	answers := map[string]func(error) prober.Result{
		"inconclusive": func(err error) prober.Result {
			return prober.Result{Outcome: health.Fail, Reason: prober.ReasonInternal, Error: err.Error(), Inconclusive: true}
		},
		"failure": func(err error) prober.Result { return prober.Failure(prober.ReasonCheck, err) },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				observed := 0
				s := New(Options{Observe: func(*prober.Target, health.Outcome, time.Duration) { observed++ }})
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() { s.Run(ctx); close(ended) }()
				r := recorder{answer: func(ctx context.Context, n int) prober.Result {
					if n == 1 {
						return prober.Result{Outcome: health.Pass}
					}
					<-ctx.Done()
					return answer(ctx.Err())
				}}
				nervous := target("a", 10*time.Second)
				nervous.Unhealthy, nervous.FastStart = 1, true
				s.Sync([]Job{{Target: nervous, Module: r.module("a")}})
				for r.count() < 2 {
					time.Sleep(time.Second)
				}
				before, _ := s.Status("a")
				if before.State.Verdict != health.Healthy {
					t.Fatalf("%s before the stop", before.State.Verdict)
				}
				s.TakeChanged(true)
				stop()
				<-ended
				after, _ := s.Status("a")
				if after != before {
					t.Errorf("the state was %s, is %s (%s)", before.State.Verdict, after.State.Verdict, after.Error)
				}
				if saved := s.TakeChanged(true); len(saved.States)+len(saved.Events) != 0 {
					t.Errorf("to be saved: %v", saved)
				}
				if entries, _ := s.History("a", 10); len(entries) != 1 || observed != 1 {
					t.Errorf("%d probes in the log, %d observed, want 1", len(entries), observed)
				}
			})
		})
	}
}

// A deadline is the target's doing, even if we stop right after it.
func TestTimeoutsCount(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		r := recorder{answer: func(ctx context.Context, _ int) prober.Result {
			<-ctx.Done()
			return prober.Failure(prober.ReasonTimeout, ctx.Err())
		}}
		s.Sync([]Job{{Target: target("a", 10*time.Second), Module: r.module("a")}})
		time.Sleep(16 * time.Second)
		synctest.Wait()
		if st, _ := s.Status("a"); st.Fails == 0 || st.Reason != prober.ReasonTimeout {
			t.Errorf("%+v", st)
		}
	})
}

// Who waits for a probe that is cut off learns that, and does not wait on.
func TestProbeNowIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { s.Run(ctx); close(ended) }()
		synctest.Wait()
		r := recorder{answer: func(ctx context.Context, _ int) prober.Result {
			<-ctx.Done()
			return prober.Failure(prober.ReasonCheck, ctx.Err())
		}}
		s.Sync([]Job{{Target: target("a", time.Hour), Module: r.module("a"), NotBefore: time.Now().Add(time.Hour)}})
		answered := make(chan error, 1)
		go func() {
			_, err := s.ProbeNow(t.Context(), "a")
			answered <- err
		}()
		synctest.Wait()
		stop()
		<-ended
		if err := <-answered; !errors.Is(err, ErrNotProbing) {
			t.Errorf("got %v", err)
		}
	})
}

// A check whose Checker is closed under its run, as a reload does, has no new result:
// the one before counts once.
func TestClosedCheckerCountsNothing(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var runs atomic.Int32
		checker := &health.Checker{MuteFailures: true}
		err := checker.Add(health.Check{Name: "c", MaxAge: time.Hour, Timeout: time.Minute, Run: func(ctx context.Context) error {
			if runs.Add(1) == 1 {
				return errors.New("broken")
			}
			<-ctx.Done()
			return ctx.Err()
		}})
		if err != nil {
			t.Fatal(err)
		}
		s.Sync([]Job{{Target: target("c", 10*time.Second), Module: prober.CheckModule(checker, "c", time.Minute)}})
		for runs.Load() < 2 {
			time.Sleep(time.Second)
		}
		before, _ := s.Status("c")
		if err := checker.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if after, _ := s.Status("c"); after != before {
			t.Errorf("%d failures, then %d: %s", before.Fails, after.Fails, after.State.Verdict)
		}
	})
}
