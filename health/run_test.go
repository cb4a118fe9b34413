package health

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestOneRun(t *testing.T) {
	for _, test := range []struct {
		name    string
		run     func(context.Context) error
		outcome Outcome
		reason  FailReason
		output  any
	}{
		{"pass", pass, Pass, FailNone, "OK"},
		{"pass with output", func(ctx context.Context) error { Say(ctx, "database ok"); return nil }, Pass, FailNone, "database ok"},
		{"pass with an object (S0.4)", func(ctx context.Context) error { Say(ctx, map[string]int{"a": 1}); return nil }, Pass, FailNone, map[string]int{"a": 1}},
		{"error (S0.18)", fail, Fail, FailError, "broken"},
		{"error with output", func(ctx context.Context) error { Say(ctx, "sorry"); return errors.New("x") }, Fail, FailError, "sorry"},
		{"warning", func(context.Context) error { return Warning(errors.New("nearly full")) }, Warn, FailError, "nearly full"},
		{"wrapped warning", func(context.Context) error { return fmt.Errorf("disk: %w", Warning(errors.New("nearly full"))) }, Warn, FailError, "disk: nearly full"},
		{"no warning", func(context.Context) error { return Warning(nil) }, Pass, FailNone, "OK"},
		{"panic (S0.18)", func(context.Context) error { panic("oh") }, Fail, FailPanic, "panic: oh"},
		{"panic of nil", func(context.Context) error { panic(nil) }, Fail, FailPanic, "panic: panic called with nil argument"},
		{"Goexit (S0.19)", func(context.Context) error { runtime.Goexit(); return nil }, Fail, FailPanic, "panic: the check ended its goroutine"},
		{"nonsense", func(ctx context.Context) error { Say(ctx, math.NaN()); return nil }, Pass, FailNone, "NaN"},
		{"a channel", func(ctx context.Context) error { Say(ctx, struct{ C chan int }{}); return nil }, Pass, FailNone, "{<nil>}"},
		{"inner deadline", func(context.Context) error { return context.DeadlineExceeded }, Fail, FailError, "context deadline exceeded"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := closing(t, &Checker{}, Check{Name: "x", Run: test.run})
			s, ok := c.CheckOne(t.Context(), "x")
			r := s.Result
			if !ok || r.Outcome != test.outcome || r.Reason != test.reason || fmt.Sprint(r.Output) != fmt.Sprint(test.output) {
				t.Errorf("%v %q %#v, want %v %q %#v", r.Outcome, r.Reason, r.Output, test.outcome, test.reason, test.output)
			}
			if (r.Err == nil) != (test.outcome == Pass) || r.Time.IsZero() {
				t.Errorf("error %v at %v", r.Err, r.Time)
			}
		})
	}
}

func TestUnknownCheck(t *testing.T) {
	c := closing(t, &Checker{}, Check{Name: "x", Run: pass})
	if _, ok := c.CheckOne(t.Context(), "y"); ok {
		t.Error("there is a y")
	}
	if _, ok := c.RunNow(t.Context(), "y"); ok {
		t.Error("there is a y")
	}
}

func TestHangingCheck(t *testing.T) { // S0.21
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var runs atomic.Int32
		release := make(chan struct{})
		c := closing(t, &Checker{Log: slog.New(slog.NewTextHandler(&log, nil))},
			Check{Name: "hangs", Run: func(context.Context) error { runs.Add(1); <-release; return nil }},
			Check{Name: "quick", Run: pass})

		began := time.Now()
		if s, _ := c.CheckOne(t.Context(), "quick"); s.Result.Outcome != Pass || time.Since(began) != 0 {
			t.Error("the other check was delayed")
		}
		s, _ := c.CheckOne(t.Context(), "hangs")
		if took := time.Since(began); took != 5*time.Second || s.Result.Reason != FailTimeout || s.Result.Output != "timeout after 5s" || !s.Hung {
			t.Errorf("after %s: %q %v, hung %v", took, s.Result.Reason, s.Result.Output, s.Hung)
		}
		if !errors.Is(s.Result.Err, context.DeadlineExceeded) {
			t.Errorf("error %v", s.Result.Err)
		}
		time.Sleep(time.Minute)
		began = time.Now()
		if s, _ = c.CheckOne(t.Context(), "hangs"); runs.Load() != 1 || time.Since(began) != 0 || s.Result.Outcome == Pass {
			t.Errorf("%d runs while one hangs; waited %s; %v", runs.Load(), time.Since(began), s.Result.Outcome)
		}
		close(release)
		synctest.Wait()
		if s = c.Snapshot()[0]; s.Hung || s.Result.Outcome == Pass {
			t.Errorf("what returned after its time counts: hung %v, %v", s.Hung, s.Result.Outcome)
		}
		if !strings.Contains(log.String(), "returned after its timeout") {
			t.Errorf("log: %s", log.String())
		}
		if s, _ = c.CheckOne(t.Context(), "hangs"); s.Result.Outcome != Pass || runs.Load() != 2 {
			t.Errorf("after it returned: %v, %d runs", s.Result.Outcome, runs.Load())
		}
	})
}

func TestTimeoutOfACheckThatMindsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := closing(t, &Checker{}, Check{Name: "x", Timeout: 2 * time.Second, Run: func(ctx context.Context) error {
			<-ctx.Done()
			return fmt.Errorf("query: %w", ctx.Err())
		}})
		s, _ := c.CheckOne(t.Context(), "x")
		synctest.Wait()
		if s.Result.Output != "timeout after 2s" || c.Snapshot()[0].Hung {
			t.Errorf("%v, hung %v", s.Result.Output, c.Snapshot()[0].Hung)
		}
	})
}

func TestBackgroundIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Duration
		began := time.Now()
		c := closing(t, &Checker{}, Check{
			Name: "slow", Timeout: time.Minute, Interval: 10 * time.Second, InitialDelay: 3 * time.Second,
			Run: func(context.Context) error {
				times = append(times, time.Since(began))
				if len(times) == 2 {
					time.Sleep(25 * time.Second)
				}
				return nil
			},
		})
		ctx, stop := context.WithTimeout(t.Context(), 55*time.Second)
		defer stop()
		if err := c.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		synctest.Wait()
		if got := fmt.Sprint(times); got != "[3s 13s 43s 53s]" {
			t.Errorf("runs at %s: a missed turn is not made up for, and the others keep their time", got)
		}
	})
}

func TestAddedWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := closing(t, &Checker{})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		time.Sleep(time.Minute)
		if err := c.Add(Check{Name: "x", Run: pass, Interval: time.Second}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := c.Snapshot()[0]; s.Passes != 1 {
			t.Errorf("%d passes", s.Passes)
		}
		stop()
		<-ended
	})
}

func TestDependencies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		var runs atomic.Int32
		c := closing(t, &Checker{},
			Check{Name: "tables", DependsOn: []string{"database"}, PassTTL: -1, FailTTL: -1, Run: func(context.Context) error { runs.Add(1); return nil }},
			Check{Name: "database", PassTTL: -1, FailTTL: -1, Run: func(context.Context) error {
				if down.Load() {
					return errors.New("refused")
				}
				return nil
			}})
		if s, _ := c.CheckOne(t.Context(), "tables"); s.Result.Outcome != Pass {
			t.Errorf("%v", s.Result.Output)
		}
		down.Store(true)
		s, _ := c.CheckOne(t.Context(), "tables")
		if s.Result.Outcome != Reset || s.Result.Reason != FailDependency || s.Result.Output != `not run, since "database" does not pass` {
			t.Errorf("%v %q %v", s.Result.Outcome, s.Result.Reason, s.Result.Output)
		}
		if runs.Load() != 1 || s.State.Verdict != Unknown || s.Fails != 0 {
			t.Errorf("%d runs, %v, %d failures", runs.Load(), s.State.Verdict, s.Fails)
		}
	})
}

func TestOnError(t *testing.T) { // S0.27
	c := closing(t, &Checker{OnError: func(check string, err error) error {
		if check == "forgiven" {
			return nil
		}
		return fmt.Errorf("%s: %w", check, err)
	}}, Check{Name: "forgiven", Run: fail}, Check{Name: "other", Run: fail}, Check{Name: "panics", Run: func(context.Context) error { panic("x") }})
	list := c.Check(t.Context(), "")
	if list[0].Result.Outcome != Pass || list[1].Result.Output != "other: broken" || list[2].Result.Outcome != Fail {
		t.Errorf("%v %v %v", list[0].Result, list[1].Result, list[2].Result)
	}
}

func TestObservationsAreBounded(t *testing.T) {
	c := closing(t, &Checker{}, Check{Name: "x", Run: func(ctx context.Context) error {
		for i := range 1000 {
			Observe(ctx, "n", i, "items")
		}
		return nil
	}})
	if s, _ := c.CheckOne(t.Context(), "x"); len(s.Result.Observations) != 50 || s.Result.Observations[49].ObservedValue != 49 {
		t.Errorf("%d observations", len(s.Result.Observations))
	}
	Say(t.Context(), "nobody") // outside of a run: nothing happens
	Observe(t.Context(), "n", 1, "")
}
