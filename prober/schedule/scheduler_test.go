package schedule

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// recorder is a module that notes when it was asked, and answers as told.
type recorder struct {
	mu     sync.Mutex
	times  []time.Time
	answer func(ctx context.Context, n int) prober.Result
}

func (r *recorder) module(key string) *prober.Module {
	return prober.FuncModule(key, 0, func(ctx context.Context) prober.Result {
		r.mu.Lock()
		r.times = append(r.times, time.Now())
		n := len(r.times)
		answer := r.answer
		r.mu.Unlock()
		if answer == nil {
			return prober.Result{Outcome: health.Pass}
		}
		return answer(ctx, n)
	})
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.times)
}

func target(app string, interval time.Duration) *prober.Target {
	return &prober.Target{App: app, URL: "http://" + app, Interval: interval, Timeout: 5 * time.Second, Unhealthy: 2, Healthy: 2}
}

// inBubble runs a scheduler within synthetic time.
func inBubble(t *testing.T, opts Options, f func(t *testing.T, s *Scheduler)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := New(opts)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { s.Run(ctx); close(ended) }()
		f(t, s)
		stop()
		<-ended
	})
}

func TestProbesOfOneTargetNeverOverlap(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var running, most atomic.Int32
		r := recorder{answer: func(ctx context.Context, _ int) prober.Result {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			<-ctx.Done()
			return prober.Failure(prober.ReasonTimeout, ctx.Err())
		}}
		slow := target("a", time.Second) // with a timeout of five intervals
		s.Sync([]Job{{Target: slow, Module: r.module("a")}})
		time.Sleep(time.Minute)
		synctest.Wait()
		if most.Load() != 1 {
			t.Errorf("%d probes at once", most.Load())
		}
		st, _ := s.Status("a")
		if st.Skipped < 40 || s.Stats().Skipped["overlap"] != uint64(st.Skipped) {
			t.Errorf("skipped %d, stats %v: missed slots must be counted", st.Skipped, s.Stats().Skipped)
		}
		if n := r.count(); n < 10 || n > 13 {
			t.Errorf("%d probes of 5 s in a minute", n)
		}
	})
}

func TestHangingTargetsDoNotDelayOthers(t *testing.T) {
	inBubble(t, Options{MaxInFlight: 40}, func(t *testing.T, s *Scheduler) {
		good, bad := recorder{}, recorder{answer: func(ctx context.Context, _ int) prober.Result {
			<-ctx.Done()
			return prober.Failure(prober.ReasonTimeout, ctx.Err())
		}}
		goodModule, badModule := good.module("good"), bad.module("bad")
		var jobs []Job
		for i := range 100 {
			jobs = append(jobs, Job{Target: target(fmt.Sprintf("bad%d", i), 10*time.Second), Module: badModule})
			jobs = append(jobs, Job{Target: target(fmt.Sprintf("good%d", i), 10*time.Second), Module: goodModule})
		}
		s.Sync(jobs)
		time.Sleep(3 * time.Minute) // until the hanging ones are known
		synctest.Wait()
		before := good.count()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if made := good.count() - before; made != 6000 {
			t.Errorf("%d probes of the good targets, want 6000", made)
		}
		if s.Stats().Skipped["capacity"] == 0 {
			t.Error("the slow lane was never full: the test proves nothing")
		}
	})
}

func TestUnchangedTargetsMissNoProbe(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var r recorder
		job := Job{Target: target("a", 10*time.Second), Module: r.module("a")}
		for range 60 * 10 {
			job.Module = r.module("a") // a reload makes new, equal modules
			s.Sync([]Job{job, {Target: target("b", time.Minute), Module: r.module("b")}})
			time.Sleep(time.Second)
		}
		synctest.Wait()
		st, _ := s.Status("a")
		if n := st.Passes; n < 59 || n > 61 {
			t.Errorf("%d probes in 10 minutes at 10 s under constant reloads", n)
		}
	})
}

func TestPauseAndResume(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var r recorder
		module := r.module("a")
		active := target("a", 10*time.Second)
		paused := *active
		paused.Paused = true
		s.Sync([]Job{{Target: active, Module: module}})
		time.Sleep(time.Minute)
		s.Sync([]Job{{Target: &paused, Module: module}})
		synctest.Wait()
		n := r.count()
		time.Sleep(time.Minute)
		if st, _ := s.Status("a"); r.count() != n || st.State.Verdict != health.Healthy {
			t.Errorf("paused: %d probes more, state %v", r.count()-n, st.State.Verdict)
		}
		if _, err := s.ProbeNow(t.Context(), "a"); !errors.Is(err, ErrNotProbing) {
			t.Errorf("probing a paused target: %v", err)
		}
		s.Sync([]Job{{Target: active, Module: module}})
		if st, _ := s.Status("a"); st.State.Verdict != health.Unknown {
			t.Errorf("resumed: state %v, want unknown", st.State.Verdict)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if st, _ := s.Status("a"); st.State.Verdict != health.Healthy {
			t.Errorf("a minute later: state %v", st.State.Verdict)
		}
	})
}

func TestRemovedTargetLeavesNothing(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		cancelled := make(chan struct{})
		r := recorder{answer: func(ctx context.Context, _ int) prober.Result {
			<-ctx.Done()
			close(cancelled)
			return prober.Result{Outcome: health.Pass}
		}}
		s.Sync([]Job{{Target: target("a", time.Minute), Module: r.module("a")}})
		time.Sleep(2 * time.Second)
		if s.Stats().InFlight != 1 {
			t.Fatal("no probe in flight")
		}
		s.Sync(nil)
		<-cancelled
		synctest.Wait()
		if len(s.Snapshot()) != 0 || len(s.TakeChanged(true).States) != 0 || s.Stats().InFlight != 0 || len(s.jobs) != 0 {
			t.Errorf("left: snapshot %v, stats %+v", s.Snapshot(), s.Stats())
		}
		if s.wheel.next(s.last) != -1 {
			t.Error("the wheel still holds the job")
		}
	})
}

func TestUnresolvableModule(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var r recorder
		job := Job{Target: target("a", 10*time.Second), Module: r.module("a")}
		s.Sync([]Job{job})
		time.Sleep(time.Minute)
		job.Module, job.Problem = nil, `the configuration has no module "m"`
		s.Sync([]Job{job})
		st, ok := s.Status("a")
		if !ok || st.State.Verdict != health.Unknown || st.Problem != job.Problem {
			t.Errorf("%v, status %+v", ok, st)
		}
	})
}

func TestProbeNow(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		r := recorder{answer: func(context.Context, int) prober.Result {
			time.Sleep(time.Second)
			return prober.Result{Outcome: health.Pass, StatusCode: 200}
		}}
		s.Sync([]Job{{Target: target("a", 5*time.Minute), Module: r.module("a"), NotBefore: time.Now().Add(5 * time.Minute)}})
		synctest.Wait()
		var wg sync.WaitGroup
		for range 3 { // at once: they share one probe
			wg.Go(func() {
				e, err := s.ProbeNow(t.Context(), "a")
				if err != nil || e.StatusCode != http.StatusOK || e.Latency != time.Second {
					t.Errorf("%+v, %v", e, err)
				}
			})
		}
		wg.Wait()
		if r.count() != 1 {
			t.Errorf("%d probes", r.count())
		}
		next := time.Until(s.NextProbe("a"))
		if next < 2*time.Minute || next > 8*time.Minute {
			t.Errorf("next probe in %v, want it put off", next)
		}
		if _, err := s.ProbeNow(t.Context(), "b"); !errors.Is(err, ErrUnknownTarget) {
			t.Errorf("unknown target: %v", err)
		}
	})
}

func TestPanickingProbeFails(t *testing.T) {
	m := prober.FuncModule("p", 0, func(context.Context) prober.Result { panic("boom") })
	res := m.Probe(t.Context(), prober.Request{})
	if res.Outcome != health.Fail || res.Reason != prober.ReasonInternal || res.Error != "probe panicked: boom" {
		t.Errorf("%+v", res)
	}
}

// TestChurnLeaksNothing adds, changes, pauses and removes targets all the time.
func TestChurnLeaksNothing(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var r recorder
		module := r.module("m")
		for i := range 500 {
			var jobs []Job
			for n := range 20 {
				tg := target(fmt.Sprint("t", (i+n)%40), time.Duration(1+(i+n)%7)*time.Second)
				tg.Paused = (i+n)%5 == 0
				jobs = append(jobs, Job{Target: tg, Module: module})
			}
			s.Sync(jobs)
			if len(s.Snapshot()) != 20 {
				t.Fatalf("round %d: %d targets", i, len(s.Snapshot()))
			}
			time.Sleep(100 * time.Millisecond)
		}
		s.Sync(nil)
		synctest.Wait()
		if s.wheel.next(s.last) != -1 || len(s.jobs) != 0 || s.Stats().InFlight+s.Stats().InFlightSlow != 0 {
			t.Errorf("left over: %d jobs, stats %+v", len(s.jobs), s.Stats())
		}
	})
}

func BenchmarkScheduler(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint("jobs=", n), func(b *testing.B) {
			s := New(Options{MaxInFlight: 1 << 20})
			module := prober.FuncModule("m", 0, func(context.Context) prober.Result { return prober.Result{Outcome: health.Pass} })
			jobs := make([]Job, n)
			for i := range jobs {
				jobs[i] = Job{Target: target(fmt.Sprintf("target-%06d", i), 10*time.Second), Module: module}
			}
			s.Sync(jobs)
			s.base = b.Context()
			order := s.order.Load().Slice()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ { // the cost of one due probe, all told
				j := order[i%n]
				s.mu.Lock()
				s.startDue(j, j.due)
				s.mu.Unlock()
			}
			s.probes.Wait()
		})
	}
}
