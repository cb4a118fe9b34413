package health

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestCache(t *testing.T) { // S0.14, S0.15, S0.17
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		var broken atomic.Bool
		c := closing(t, &Checker{}, Check{Name: "x", Run: func(context.Context) error {
			runs.Add(1)
			if broken.Load() {
				return errors.New("broken")
			}
			return nil
		}})
		first, _ := c.CheckOne(t.Context(), "x")
		if got := first.Result.Expires.Sub(first.Result.Time); got != 27*time.Second {
			t.Errorf("a pass serves for %s", got)
		}
		time.Sleep(27 * time.Second)
		if again, _ := c.CheckOne(t.Context(), "x"); again != first {
			t.Error("the result is another one although it serves still")
		}
		broken.Store(true)
		time.Sleep(time.Nanosecond)
		failed, _ := c.CheckOne(t.Context(), "x")
		if got := failed.Result.Expires.Sub(failed.Result.Time); got != 9*time.Second || failed.Result.Outcome != Fail {
			t.Errorf("a failure serves for %s", got)
		}
		time.Sleep(9 * time.Second)
		c.CheckOne(t.Context(), "x")
		if runs.Load() != 2 {
			t.Errorf("%d runs, want 2", runs.Load())
		}
	})
}

func TestNoCache(t *testing.T) { // S0.16
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		c := closing(t, &Checker{}, Check{Name: "x", PassTTL: -1, FailTTL: -1, Run: func(context.Context) error { runs.Add(1); return nil }})
		for range 3 {
			s, _ := c.CheckOne(t.Context(), "x")
			if !s.Result.Expires.Equal(s.Result.Time) {
				t.Error("expires is not the time of the result")
			}
		}
		if runs.Load() != 3 {
			t.Errorf("%d runs, want 3", runs.Load())
		}
	})
}

func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		c := closing(t, &Checker{}, Check{Name: "x", Run: func(context.Context) error {
			runs.Add(1)
			time.Sleep(time.Second)
			return nil
		}})
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				if s, _ := c.CheckOne(t.Context(), "x"); s.Result.Outcome != Pass {
					t.Error(s.Result.Outcome)
				}
			})
		}
		all.Wait()
		if runs.Load() != 1 {
			t.Errorf("%d runs, want 1", runs.Load())
		}
	})
}

func TestClientHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := closing(t, &Checker{}, Check{Name: "x", Run: func(ctx context.Context) error {
			select {
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}})
		impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if s, _ := c.CheckOne(impatient, "x"); s.Result.Reason != FailPending {
			t.Errorf("reason %q", s.Result.Reason)
		}
		time.Sleep(2 * time.Second)
		if s := c.Snapshot()[0]; s.Result.Outcome != Pass {
			t.Errorf("the run of a client who hung up: %v %v", s.Result.Outcome, s.Result.Output)
		}
	})
}

func TestStaleIsNotGreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := closing(t, &Checker{}, Check{Name: "x", Run: pass, Interval: 10 * time.Second, Groups: []string{Ready}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		time.Sleep(time.Minute)
		if s := c.Snapshot()[0]; s.Result.Outcome != Pass || s.Passes < 6 || s.Passes > 7 {
			t.Errorf("%v after %d passes", s.Result.Outcome, s.Passes)
		}
		stop()
		<-ended
		time.Sleep(36 * time.Second) // three intervals and a timeout have not passed
		if s := c.Snapshot()[0]; s.Result.Outcome == Pass {
			t.Errorf("a result of %s ago is %v", time.Since(s.Result.Time), s.Result.Outcome)
		} else if s.Result.Reason != FailStale || Whole([]*Status{s}, Ready) != Fail {
			t.Errorf("reason %q", s.Result.Reason)
		}
	})
}

func BenchmarkCheckFromCache(b *testing.B) {
	c := closing(b, &Checker{}, Check{Name: "x", Run: pass, PassTTL: time.Hour})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Check(b.Context(), "")
		}
	})
}
