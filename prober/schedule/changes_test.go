package schedule

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// outcomes answer with the letters of a text one after another, and then with the last:
// p for pass, f for fail, w for warn.
func outcomes(text string) func(context.Context, int) prober.Result {
	return func(_ context.Context, n int) prober.Result {
		switch text[min(n, len(text))-1] {
		case 'f':
			return prober.Result{Outcome: health.Fail, Reason: prober.ReasonStatus, Error: "status 500"}
		case 'w':
			return prober.Result{Outcome: health.Warn}
		}
		return prober.Result{Outcome: health.Pass}
	}
}

func words(events []Event) string {
	var list []string
	for _, e := range events {
		if e.Turned {
			list = append(list, "turned in "+e.To.String())
		} else {
			list = append(list, e.To.String())
		}
	}
	return strings.Join(list, ", ")
}

// TestEvents: each change of state is an event, and each turn that changed no state.
func TestEvents(t *testing.T) {
	tests := []struct{ outcomes, want string }{
		{"ppp", "healthy"},
		{"ff", "degraded, unhealthy"},
		{"ppfpf", "healthy, degraded, turned in degraded, turned in degraded"},
		{"ppffp", "healthy, degraded, unhealthy, turned in unhealthy"},
		{"ppffpp", "healthy, degraded, unhealthy, turned in unhealthy, healthy"},
		{"ppwf", "healthy, degraded, turned in degraded"},
		{"pf", "degraded"},
	}
	for _, test := range tests {
		t.Run(test.outcomes, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
				r := recorder{answer: outcomes(test.outcomes)}
				s.Sync([]Job{{Target: target("a", time.Hour), Module: r.module("a")}})
				time.Sleep(time.Hour*time.Duration(len(test.outcomes)) - time.Minute)
				synctest.Wait()
				taken := s.TakeChanged(false)
				if got := words(taken.Events); got != test.want {
					t.Errorf("events: %s, want %s", got, test.want)
				}
				st, _ := s.Status("a")
				if last := taken.Events[len(taken.Events)-1]; last.Time.After(st.LastProbe) || last.App != "a" || last.Turned != (last.From == last.To) {
					t.Errorf("the last: %+v", last)
				}
				if more := s.TakeChanged(false); len(more.Events)+len(more.States) > 0 {
					t.Errorf("twice: %+v", more)
				}
			})
		})
	}
}

// TestTurnsAreBounded: what fails every other time has only so many in a minute.
func TestTurnsAreBounded(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		r := recorder{answer: outcomes("ff" + strings.Repeat("pf", 1000))}
		s.Sync([]Job{{Target: target("a", time.Second), Module: r.module("a")}})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		perMinute := map[time.Time]int{}
		for _, e := range s.TakeChanged(false).Events {
			if e.Turned {
				perMinute[e.Time.Truncate(time.Minute)]++
			}
		}
		if len(perMinute) < 10 {
			t.Errorf("turns in %d minutes", len(perMinute))
		}
		for minute, n := range perMinute {
			if n > maxTurns {
				t.Errorf("%d at %v", n, minute)
			}
		}
	})
}

// TestDrifted: a state is saved again when its counters have gone on as far as matters
// after a restart, and not with each probe.
func TestDrifted(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var r recorder
		known := target("known", time.Minute)
		s.Sync([]Job{
			{Target: target("a", time.Minute), Module: r.module("a")},
			{Target: known, Module: r.module("a"), Saved: &Saved{State: health.State{Verdict: health.Healthy, Successes: 99, Passes: 99}, Place: known.Place()}},
		})
		if taken := s.TakeChanged(true); len(taken.States) != 1 || taken.States["a"] == nil {
			t.Errorf("at first: %v", taken.States)
		}
		taken := 0
		for range 60 {
			time.Sleep(time.Minute)
			synctest.Wait()
			if len(s.TakeChanged(false).States) > 1 {
				t.Error("what only drifted was taken")
			}
			states := s.TakeChanged(true).States
			if states["known"] != nil {
				t.Error("a state is saved although nothing about it matters")
			}
			if states["a"] != nil {
				taken++
			}
		}
		if taken < 8 || taken > 10 { // passes up to the threshold, but for the change itself
			t.Errorf("taken %d times in an hour", taken)
		}
		if st := s.TakeAll().States; len(st) != 2 || st["a"].State.Passes < 50 {
			t.Errorf("all: %+v", st)
		}
	})
}

// TestNewestStateIsSaved: the one to which an event led may be older than what is saved of
// the counters.
func TestNewestStateIsSaved(t *testing.T) {
	s := New(Options{})
	var r recorder
	s.Sync([]Job{{Target: target("a", time.Minute), Module: r.module("a")}})
	j := s.find("a")
	for range 5 {
		j.mu.Lock()
		j.apply(&prober.Result{Outcome: health.Pass, Start: time.Now()})
		j.mu.Unlock()
	}
	if taken := s.TakeChanged(true); len(taken.Events) != 1 || taken.States["a"].State.Passes != 5 {
		t.Errorf("%+v, %+v", taken.Events, taken.States["a"])
	}
}

// TestTouched: somebody may have a state saved to which nothing happened.
func TestTouched(t *testing.T) {
	s := New(Options{})
	var r recorder
	s.Sync([]Job{{Target: target("a", time.Minute), Module: r.module("a")}})
	s.Touch("a")
	s.Touch("unknown")
	<-s.Changed()
	if taken := s.TakeChanged(false); len(taken.States) != 1 || taken.States["a"] == nil || len(taken.Events) > 0 {
		t.Errorf("%+v", taken)
	}
}

// TestNothingOfWhatEnded: what happened to a job that ended is not that of the next of its
// name.
func TestNothingOfWhatEnded(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		r := recorder{answer: outcomes("ff")}
		s.Sync([]Job{{Target: target("a", time.Second), Module: r.module("a")}})
		time.Sleep(time.Minute)
		synctest.Wait()
		s.Sync(nil)
		s.Sync([]Job{{Target: target("a", time.Hour), Module: r.module("a")}})
		if taken := s.TakeChanged(false); len(taken.Events)+len(taken.States) > 0 {
			t.Errorf("%+v", taken)
		}
	})
}

// TestSavedTransitions: the newest few survive a restart; more that an older program has
// kept are not dropped before there are newer ones.
func TestSavedTransitions(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		r := recorder{answer: outcomes(strings.Repeat("ppff", 30))}
		a := target("a", time.Second)
		old := &Saved{Place: a.Place(), Transitions: make([]Transition, 40)}
		s.Sync([]Job{{Target: a, Module: r.module("a"), Saved: old}})
		if list, _ := s.Transitions("a"); len(list) != 40 {
			t.Errorf("%d of the older program", len(list))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		all, _ := s.Transitions("a")
		saved := s.TakeChanged(false).States["a"].Transitions
		if len(all) != MaxTransitions || !slices.Equal(saved, all[len(all)-MaxSavedTransitions:]) {
			t.Errorf("%d, saved %v", len(all), saved)
		}
	})
}

// TestStatesAndEventsAgree: whoever takes changes while probes are made has of each
// target the state that the last event led to, and no event twice or not at all.
func TestStatesAndEventsAgree(t *testing.T) {
	s := New(Options{})
	module := prober.FuncModule("m", 0, func(context.Context) prober.Result { return prober.Result{} })
	const jobs, rounds = 8, 400
	list := make([]Job, jobs)
	for i := range list {
		list[i] = Job{Target: target(fmt.Sprint(i), time.Hour), Module: module}
	}
	s.Sync(list)
	var work sync.WaitGroup
	for i := range list {
		j := s.find(fmt.Sprint(i))
		work.Go(func() {
			for n := range rounds {
				outcome := health.Pass
				if n%4 >= 2 {
					outcome = health.Fail
				}
				j.mu.Lock()
				j.apply(&prober.Result{Outcome: outcome, Start: time.Now()})
				j.mu.Unlock()
			}
		})
	}
	ended := make(chan struct{})
	go func() { work.Wait(); close(ended) }()
	last := map[string]health.Verdict{}
	counts := map[string]int{}
	for done := false; !done; {
		select {
		case <-ended:
			done = true
		default:
		}
		taken := s.TakeChanged(true)
		for _, e := range taken.Events {
			if e.From != last[e.App] {
				t.Fatalf("%s goes from %s, and was %s", e.App, e.From, last[e.App])
			}
			last[e.App] = e.To
			counts[e.App]++
		}
		for app, saved := range taken.States {
			if saved.State.Verdict != last[app] {
				t.Fatalf("%s is %s, and the last event led to %s", app, saved.State.Verdict, last[app])
			}
		}
	}
	for app, n := range counts {
		if j := s.find(app); j.status.Load().State.Verdict != last[app] || n < rounds/4 {
			t.Errorf("%s: %d events, the last to %s", app, n, last[app])
		}
	}
	if len(counts) != jobs {
		t.Errorf("events of %d", len(counts))
	}
}
