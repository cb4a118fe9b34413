package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// people are subjects with a state each.
type people map[string]*schedule.Status

func (p people) Status(name string) (*schedule.Status, bool) {
	st, ok := p[name]
	return st, ok
}

func (p people) Snapshot() []*schedule.Status {
	var list []*schedule.Status
	for _, st := range p {
		list = append(list, st)
	}
	return list
}

func (p people) set(name string, v health.Verdict, problem string) {
	t := &prober.Target{App: name, Interval: time.Minute}
	p[name] = &schedule.Status{Target: t, State: health.State{Verdict: v}, Since: time.Now(), Problem: problem}
}

// TestWatching: what is not probed is noted once after six minutes, and again only if it
// was probed in between; nobody else is looked at.
func TestWatching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		targets, checks := people{}, people{}
		var noted []string
		w := &watching{targets: targets, checks: checks, deadlines: newDeadlines(), happened: func(list ...journal.Event) {
			for _, e := range list {
				noted = append(noted, e.Kind+" "+e.Name+" "+string(e.What))
			}
		}}
		go w.deadlines.run(t.Context())
		targets.set("stuck", health.Unknown, "no module")
		targets.set("well", health.Healthy, "")
		checks.set("stuck", health.Unknown, "no module")
		if err := w.begin(7); err != nil {
			t.Fatal(err)
		}
		pass := func(d time.Duration, want ...string) {
			t.Helper()
			for range d / time.Second {
				time.Sleep(time.Second)
				// Others never leave it in peace.
				_ = w.take([]journal.Event{{Kind: journal.Target, Name: "well", What: journal.StateChanged, To: health.Healthy}})
			}
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			if diff := cmp.Diff(want, noted); diff != "" {
				t.Errorf("%s (-want +got):\n%s", d, diff)
			}
			noted = nil
		}
		if len(w.unknown) != 2 {
			t.Errorf("watches %v", w.unknown)
		}
		delete(checks, "stuck")
		_ = w.take([]journal.Event{{Kind: journal.Check, Name: "stuck", What: journal.Removed}})
		pass(alerting.StalledAfter - time.Minute)
		pass(2*time.Minute, "target stuck not_probed")
		pass(time.Hour)
		targets.set("stuck", health.Healthy, "")
		_ = w.take([]journal.Event{{Kind: journal.Target, Name: "stuck", What: journal.StateChanged, To: health.Healthy}})
		pass(time.Minute)
		targets.set("stuck", health.Unknown, "no module")
		_ = w.take([]journal.Event{{Kind: journal.Target, Name: "stuck", What: journal.StateChanged, To: health.Unknown}})
		pass(alerting.StalledAfter+time.Minute, "target stuck not_probed")
		if len(w.unknown) != 1 {
			t.Errorf("watches %v", w.unknown)
		}
		// It is probed for a while although its state stays unknown, and then no more.
		targets.set("stuck", health.Unknown, "")
		pass(time.Minute)
		targets.set("stuck", health.Unknown, "no module")
		pass(alerting.StalledAfter+time.Minute, "target stuck not_probed")
	})
}
