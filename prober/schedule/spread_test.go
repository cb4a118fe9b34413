package schedule

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

func TestEveryIntervalInPhase(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var r recorder
		s.Sync([]Job{{Target: target("a", 10*time.Second), Module: r.module("a")}})
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := r.count(); n < 359 || n > 361 {
			t.Fatalf("%d probes in an hour at 10 s", n)
		}
		phase := time.Duration(phaseOf("a", slots(10*time.Second))) * slot
		for i, at := range r.times[1:] {
			if since := time.Duration(at.UnixNano()) % (10 * time.Second); since != phase {
				t.Fatalf("probe %d at %v of the interval, want %v", i+1, since, phase)
			}
		}
		if st, _ := s.Status("a"); st.State.Verdict != health.Healthy || !st.Up || st.Passes != uint64(r.count()) {
			t.Errorf("status %+v", st)
		}
		if stats := s.Stats(); stats.Lateness.Sum != 0 || stats.Started != uint64(r.count()) {
			t.Errorf("stats %+v", stats)
		}
	})
}

func TestFirstProbesAreSpread(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var r recorder
		const n = 5000
		module := r.module("m")
		var jobs []Job
		for i := range n {
			jobs = append(jobs, Job{Target: target(fmt.Sprintf("t%05d", i), 10*time.Second), Module: module})
		}
		began := time.Now()
		s.Sync(jobs)
		time.Sleep(5*time.Second + slot)
		synctest.Wait()
		perTenth := map[int]int{}
		firsts := 0
		for _, st := range s.Snapshot() {
			if st.Probed {
				firsts++
			}
		}
		if firsts != n {
			t.Errorf("%d of %d targets probed within 5 s", firsts, n)
		}
		for _, at := range r.times {
			perTenth[int(at.Sub(began)/(500*time.Millisecond))]++
		}
		for tenth, count := range perTenth {
			if tenth < 10 && (count < 400 || count > 900) {
				t.Errorf("%d probes in half-second %d, want about 500", count, tenth)
			}
		}
	})
}

func TestNotBefore(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var r recorder
		began := time.Now()
		s.Sync([]Job{{Target: target("a", 30*time.Second), Module: r.module("a"), NotBefore: began.Add(30 * time.Second)}})
		time.Sleep(29 * time.Second)
		if r.count() != 0 {
			t.Fatal("probed before the initial delay")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if r.count() != 1 {
			t.Fatalf("%d probes after the initial delay, want 1", r.count())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		gap := r.times[1].Sub(r.times[0])
		if gap < 15*time.Second || gap > 45*time.Second {
			t.Errorf("second probe %v after the first, want 15 s to 45 s", gap)
		}
	})
}
