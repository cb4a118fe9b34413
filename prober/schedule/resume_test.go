package schedule

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

// A target that is probed once a day is probed soon after it was resumed, or got
// another address: nobody waits a day to see whether that helped.
func TestSeldomProbesAfterAChange(t *testing.T) {
	for name, change := range map[string]func(*prober.Target){
		"resumed": func(*prober.Target) {},
		"moved":   func(t *prober.Target) { t.Paused, t.URL = false, "http://10.0.0.2/" },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, s *Scheduler) {
				var r recorder
				job := Job{Target: target("a", 24*time.Hour), Module: r.module("a")}
				s.Sync([]Job{job})
				time.Sleep(30 * time.Hour)
				if name == "resumed" {
					off := *job.Target
					off.Paused = true
					s.Sync([]Job{{Target: &off, Module: job.Module}})
					time.Sleep(time.Hour)
				}
				before := r.count()
				on := *job.Target
				change(&on)
				s.Sync([]Job{{Target: &on, Module: job.Module}})
				time.Sleep(time.Minute + time.Second)
				synctest.Wait()
				if n := r.count() - before; n != 1 {
					t.Errorf("%d probes within a minute, want 1", n)
				}
				time.Sleep(48 * time.Hour)
				synctest.Wait()
				if n := r.count() - before; n < 2 || n > 3 {
					t.Errorf("%d probes in two days", n)
				}
			})
		})
	}
}
