package server

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// TestTally: a trouble lasts since the first got into it, health since the last did; and
// what is overdue is counted.
func TestTally(t *testing.T) {
	now := time.Now()
	of := func(name string, v health.Verdict, since, last time.Duration) subject {
		return subject{kindTarget, &schedule.Status{
			Target: &prober.Target{App: name, Interval: time.Second, Timeout: time.Second}, State: health.State{Verdict: v},
			Since: now.Add(-since), LastProbe: now.Add(-last), Probed: true, Up: true,
		}, nil}
	}
	subjects := []subject{
		of("a", health.Healthy, 3*time.Hour, time.Minute), of("b", health.Healthy, time.Hour, time.Second), of("c", health.Degraded, 5*time.Hour, 2*time.Minute),
		of("d", health.Degraded, 4*time.Hour, 30*time.Second),
	}
	to := reader{now: now, covered: func(string, string) bool { return false }}
	tally := count(subjects, &filter{}, to, 10, 10)
	if got := tally.since(health.Healthy); !got.Equal(now.Add(-time.Hour)) {
		t.Errorf("healthy since %s", got)
	}
	if got := tally.since(health.Degraded); !got.Equal(now.Add(-5 * time.Hour)) {
		t.Errorf("degraded since %s", got)
	}
	if l := tally.overdue(); l == nil || l.Name != "c" || l.Others != 2 || l.Seconds != 118 {
		t.Errorf("overdue: %+v", l)
	}
	if l := count(subjects[1:2], &filter{}, to, 10, 10).overdue(); l != nil {
		t.Errorf("nothing is overdue: %+v", l)
	}
}

// TestStateOfAnotherPlace is not that of a target that has moved.
func TestStateOfAnotherPlace(t *testing.T) {
	f := newFixture(t)
	f.show(map[string]health.Verdict{"moved": health.Unhealthy, "stays": health.Unhealthy})
	var targets []prober.Target
	for _, st := range f.scheduler.Snapshot() {
		target := *st.Target
		if target.App == "moved" {
			target.URL = "http://10.0.0.8"
		}
		targets = append(targets, target)
	}
	f.registry.Replace("config", targets)
	for query, want := range map[string]string{"state=unhealthy": "[stays]", "state=unknown": "[moved]"} {
		if _, apps := f.pageOf(query); fmt.Sprint(apps) != want {
			t.Errorf("%s: %q", query, apps)
		}
	}
}

func TestNewest(t *testing.T) {
	f := newFixture(t)
	f.journal = journal.New(journal.Options{Most: 10})
	f.happen(changes(30)...)
	s := &server{Deps: Deps{Events: f.journal}}
	for n, want := range map[int]uint64{100: 20, 10: 20, 3: 27} {
		if got := s.newest(n); got != want {
			t.Errorf("the last %d are after %d, want %d", n, got, want)
		}
	}
}

func TestWatchers(t *testing.T) {
	w := &watchers{}
	var leave []func()
	for i := range maxWatchers {
		out, ok := w.enter(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
		if !ok {
			t.Fatalf("the %dth is refused", i)
		}
		leave = append(leave, out)
	}
	other := netip.MustParseAddr("10.1.0.1")
	if _, ok := w.enter(other); ok {
		t.Error("there is room for more than all")
	}
	for _, out := range leave {
		out()
	}
	if out, ok := w.enter(other); !ok || len(w.by) != 1 {
		t.Errorf("after all have left: %t, %d places", ok, len(w.by))
	} else {
		out()
	}
}
