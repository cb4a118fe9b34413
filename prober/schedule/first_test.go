package schedule

import (
	"testing"
	"testing/synctest"
	"time"
)

// Until its first probe, whatever changes of a target leaves its initial delay alone.
func TestChangesKeepTheInitialDelay(t *testing.T) {
	const delay = 5 * time.Minute
	for name, changes := range map[string]func(s *Scheduler, job Job){
		"interval": func(s *Scheduler, job Job) {
			t := *job.Target
			t.Interval = 20 * time.Second
			job.Target = &t
			s.Sync([]Job{job})
		},
		"paused and resumed": func(s *Scheduler, job Job) {
			on, off := *job.Target, *job.Target
			off.Paused = true
			job.Target = &off
			s.Sync([]Job{job})
			time.Sleep(time.Second)
			job.Target = &on
			s.Sync([]Job{job})
		},
		"module comes later": func(s *Scheduler, job Job) {
			without := job
			without.Module, without.Problem = nil, "not there yet"
			s.Sync([]Job{without})
			time.Sleep(time.Second)
			s.Sync([]Job{job})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
				var r recorder
				began := time.Now()
				job := Job{Target: target("a", 10*time.Second), Module: r.module("a"), NotBefore: began.Add(delay)}
				s.Sync([]Job{job})
				time.Sleep(time.Minute)
				changes(s, job)
				time.Sleep(delay - time.Since(began) - time.Second)
				synctest.Wait()
				if n := r.count(); n != 0 {
					t.Fatalf("%d probes before the initial delay, the first after %s", n, r.times[0].Sub(began))
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if n := r.count(); n != 1 {
					t.Errorf("%d probes after the initial delay, want 1", n)
				}
			})
		})
	}
}

// Another initial delay counts as long as nothing was probed, and not after that.
func TestNewInitialDelay(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
		var r recorder
		module := r.module("a")
		began := time.Now()
		again := func(delay time.Duration) {
			s.Sync([]Job{{Target: target("a", 10*time.Second), Module: module, NotBefore: time.Now().Add(delay)}})
		}
		again(time.Hour)
		again(30 * time.Second)
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if r.count() != 1 || r.times[0].Sub(began) < 30*time.Second {
			t.Fatalf("%d probes within 31 s, want 1 after 30 s", r.count())
		}
		again(time.Hour)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := r.count(); n < 6 {
			t.Errorf("%d probes a minute later: what is being probed has no first probe any more", n)
		}
		s.Sync([]Job{{Target: target("a", 20*time.Second), Module: module, NotBefore: time.Now().Add(time.Hour)}})
		before := r.count()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := r.count() - before; n < 2 {
			t.Errorf("%d probes in a minute after a change of interval", n)
		}
	})
}
