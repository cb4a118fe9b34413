package zeroconf

import (
	"log/slog"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/dnssd"
	"github.com/health-exporter/health_exporter/prober"
)

// Whoever wakes later than planned did not run, by whichever clock.
func TestLateBy(t *testing.T) {
	planned := time.Now()
	for late, want := range map[time.Duration]time.Duration{
		-time.Second: 0, 0: 0, tooLate - 1: 0, tooLate: tooLate, time.Hour: time.Hour,
	} {
		if got := lateBy(planned, planned.Add(late)); got != want {
			t.Errorf("%s late: %s", late, got)
		}
		if got := lateBy(planned, planned.Round(0).Add(late)); got != want { // the monotonic clock stood still
			t.Errorf("%s late by the wall: %s", late, got)
		}
	}
}

// TestBrowserDidNotRun: a program that was stopped, thrice and for longer than any record
// lives, has heard nothing meanwhile, and does not take that for what is gone. What is
// silent afterwards is.
func TestBrowserDidNotRun(t *testing.T) {
	n := newFake(eth0)
	n.publish(nas(8080))
	browsing(t, n, nil, func(b *Browser, found *targetsOf) {
		there := []string{"My NAS http://10.0.0.7:8080"}
		expect(t, "announced", found.places(), there)
		wait(browseWindow / 2)
		n.vanish(nas(8080)) // it is not heard
		wait(browseWindow)
		for range 3 {
			b.excuse(time.Hour)
			wait(browseWindow)
			expect(t, "while we were stopped", found.places(), there)
		}
		n.publish(nas(8080))
		wait(browseWindow)
		n.vanish(nas(8080))
		wait(3 * browseWindow)
		expect(t, "silent while we run", found.places(), nil)
	})
}

// TestBrowserDidNotRunWithoutAnInterface: an interface may be back later than we are.
func TestBrowserDidNotRunWithoutAnInterface(t *testing.T) {
	c := newCache(10)
	b := &Browser{cache: c, Log: slog.New(slog.DiscardHandler)}
	began := time.Now()
	c.see(nas(8080), prober.Target{App: "My NAS"}, began)
	c.leave([]Interface{eth0}, began, time.Minute)
	b.excuse(time.Hour)
	if gone := c.leave(nil, began.Add(time.Hour), time.Minute); len(gone) > 0 {
		t.Error("it is gone because we were stopped")
	}
	if gone := c.leave(nil, began.Add(time.Hour+time.Minute), time.Minute); len(gone) != 1 || gone[0].entry.Type != dnssd.HealthCheck {
		t.Errorf("gone after a minute more: %+v", gone)
	}
}
