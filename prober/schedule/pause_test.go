package schedule

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// A program that wakes later than planned did not run, by whichever clock; whoever wakes
// before the schedule finds that too.
func TestPauses(t *testing.T) {
	begin := time.Now()
	for name, test := range map[string]struct {
		late time.Duration
		want bool
	}{
		"on time":     {0, false},
		"early":       {-time.Second, false},
		"under load":  {tooLate - time.Millisecond, false},
		"stopped":     {tooLate, true},
		"for an hour": {time.Hour, true},
	} {
		for clock, at := range map[string]func(time.Duration) time.Time{
			"monotonic": begin.Add,
			"wall":      func(d time.Duration) time.Time { return begin.Round(0).Add(d) }, // as after a suspension
		} {
			var p pauses
			p.plan(begin.Add(time.Second))
			now := at(time.Second + test.late)
			if got := p.since(begin, now); got != test.want {
				t.Errorf("%s, %s: before the schedule looks: %v", name, clock, got)
			}
			if got := p.look(now) > 0; got != test.want {
				t.Errorf("%s, %s: the schedule sees %v", name, clock, got)
			}
			if got := p.since(begin, now); got != test.want {
				t.Errorf("%s, %s: after it: %v", name, clock, got)
			}
			p.plan(now.Add(time.Second))
			if p.since(now.Add(time.Millisecond), now.Add(2*time.Millisecond)) {
				t.Errorf("%s, %s: a probe that began afterwards does not count", name, clock)
			}
		}
	}
}

// What was under way during a pause counts for nothing, and is made again at once; who
// waits for it gets that result.
func TestProbesOverAPause(t *testing.T) {
	for name, outcome := range map[string]health.Outcome{"fails": health.Fail, "warns": health.Warn, "passes": health.Pass} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
				var r recorder
				r.answer = func(ctx context.Context, n int) prober.Result {
					time.Sleep(2 * time.Second)
					if n == 4 {
						s.pauses.mu.Lock()
						s.pauses.ended = time.Now()
						s.pauses.mu.Unlock()
						return prober.Result{Outcome: outcome, Reason: prober.ReasonTimeout, Error: "over a pause"}
					}
					return prober.Result{Outcome: health.Pass}
				}
				s.Sync([]Job{{Target: target("a", time.Hour), Module: r.module("a")}})
				time.Sleep(150 * time.Minute)
				synctest.Wait()
				before, _ := s.Status("a")
				if r.count() != 3 || before.State.Verdict != health.Healthy {
					t.Fatalf("%d probes, %s", r.count(), before.State.Verdict)
				}
				entry, err := s.ProbeNow(t.Context(), "a")
				after, _ := s.Status("a")
				if err != nil || entry.Outcome != health.Pass || r.count() != 5 {
					t.Errorf("%v, %s: %s after %d probes", err, entry.Outcome, entry.Error, r.count())
				}
				if after.Fails+after.Warns != 0 || after.Passes != before.Passes+1 || after.State.Verdict != health.Healthy {
					t.Errorf("before %+v, after %+v", before.State, after.State)
				}
			})
		})
	}
}
