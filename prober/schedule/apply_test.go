package schedule

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

func passing() *prober.Module {
	return prober.FuncModule("m", 0, func(context.Context) prober.Result {
		return prober.Result{Start: time.Now(), Outcome: health.Pass}
	})
}

func apps(s *Scheduler) (names []string) {
	for _, st := range s.Snapshot() {
		names = append(names, st.Target.App)
	}
	return names
}

// What is applied leaves the others alone; what is in both lists stays, as what it is now.
func TestApplyChangesWhatItNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, module := New(Options{}), passing()
		job := func(app string) Job { return Job{Target: target(app, 10*time.Second), Module: module} }
		ctx, cancel := context.WithCancel(t.Context())
		go s.Run(ctx)
		s.Sync([]Job{job("a"), job("c"), job("e")})
		time.Sleep(time.Minute)
		before, _ := s.Status("c")
		due := s.NextProbe("e")

		moved := job("a")
		moved.Target.URL = "http://elsewhere"
		s.Apply([]Job{job("d"), job("b"), moved, job("b")}, []string{"c", "a", "no such"})
		if got := fmt.Sprint(apps(s)); got != "[a b d e]" {
			t.Fatalf("on the schedule are %s", got)
		}
		if st, _ := s.Status("a"); st.Target != moved.Target || st.Probed {
			t.Errorf("a is %+v", st)
		}
		if !s.NextProbe("e").Equal(due) {
			t.Error("a target that was not named lost its place")
		}
		time.Sleep(time.Minute)
		if now, _ := s.Status("d"); !now.Probed || now.Passes < 5 {
			t.Errorf("the new one is %+v", now)
		}
		if _, there := s.Status("c"); there || before.Passes < 5 || len(s.jobs) != 4 {
			t.Errorf("c, which had %+v, is there: %v; %d jobs", before, there, len(s.jobs))
		}
		s.Apply(nil, nil)
		s.Apply(nil, []string{"a", "b", "d", "e"})
		cancel()
		synctest.Wait()
		s.mu.Lock()
		next := s.wheel.next(s.last)
		s.mu.Unlock()
		if len(apps(s)) != 0 || next != -1 || s.Stats().Jobs != 0 {
			t.Errorf("left over: %v", apps(s))
		}
	})
}

// BenchmarkApply has one target come and go among so many.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{0, 10_000, 100_000} {
		b.Run(fmt.Sprint("jobs=", n), func(b *testing.B) {
			s, module := New(Options{}), passing()
			jobs := make([]Job, n)
			for i := range jobs {
				jobs[i] = Job{Target: target(fmt.Sprintf("target-%06d", i), 10*time.Second), Module: module}
			}
			s.Sync(jobs)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				app := fmt.Sprintf("target-%06d-x", i%(n+1))
				s.Apply([]Job{{Target: target(app, 10*time.Second), Module: module}}, nil)
				s.Apply(nil, []string{app})
			}
		})
	}
}

// BenchmarkSync makes the schedule what it is already, as a reload does.
func BenchmarkSync(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint("jobs=", n), func(b *testing.B) {
			s, module := New(Options{}), passing()
			jobs := make([]Job, n)
			for i := range jobs {
				jobs[i] = Job{Target: target(fmt.Sprintf("target-%06d", i), 10*time.Second), Module: module}
			}
			s.Sync(jobs)
			b.ReportAllocs()
			for b.Loop() {
				s.Sync(jobs)
			}
		})
	}
}

// Jobs may come in any order; of two with one name the first counts, whether the name is
// new or not.
func TestSyncTakesTheFirstOfEachName(t *testing.T) {
	s, module := New(Options{}), passing()
	first := func(app string) Job { return Job{Target: target(app, 10*time.Second), Module: module} }
	other := func(app string) Job {
		d := first(app)
		d.Target.URL = "http://elsewhere"
		return d
	}
	for round := range 3 {
		jobs := []Job{first("c"), first("a"), other("c"), first("b"), other("a")}
		s.Sync(jobs)
		if got := fmt.Sprint(apps(s)); got != "[a b c]" || len(s.jobs) != 3 {
			t.Fatalf("round %d: on the schedule are %s, %d jobs", round, got, len(s.jobs))
		}
		for _, st := range s.Snapshot() {
			if st.Target.URL == "http://elsewhere" {
				t.Errorf("round %d: of %s the second counts", round, st.Target.App)
			}
		}
		if jobs[0].Target.App != "c" {
			t.Error("what was given was sorted in its place")
		}
	}
	s.Sync([]Job{first("b"), first("0"), first("z")})
	if got := fmt.Sprint(apps(s)); got != "[0 b z]" {
		t.Errorf("on the schedule are %s", got)
	}
}
