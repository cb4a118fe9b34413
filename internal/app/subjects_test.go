package app

import (
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// What is probed seldom is not stalled as long as its turns come on time; what is
// probed often is, as soon as it has missed turns for six minutes.
func TestStalled(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name                  string
		interval, probed, was time.Duration // how long ago; 0 for never
		status                schedule.Status
		want                  bool
	}{
		{"often, on time", 30 * time.Second, 29 * time.Second, 10 * time.Hour, schedule.Status{}, false},
		{"often, once late", 30 * time.Second, 5 * time.Minute, 10 * time.Hour, schedule.Status{}, false},
		{"often, no more", 30 * time.Second, 7 * time.Minute, 10 * time.Hour, schedule.Status{}, true},
		{"every 15 minutes", 15 * time.Minute, 14 * time.Minute, 10 * time.Hour, schedule.Status{}, false},
		{"every 30 minutes, with a slow probe", 30 * time.Minute, 31 * time.Minute, 10 * time.Hour, schedule.Status{}, false},
		{"every 30 minutes, no more", 30 * time.Minute, 61 * time.Minute, 10 * time.Hour, schedule.Status{}, true},
		{"every hour", time.Hour, 59 * time.Minute, 10 * time.Hour, schedule.Status{}, false},
		{"once a day", 24 * time.Hour, 23 * time.Hour, 240 * time.Hour, schedule.Status{}, false},
		{"once a day, no more", 24 * time.Hour, 49 * time.Hour, 240 * time.Hour, schedule.Status{}, true},
		{"resumed", 30 * time.Minute, 300 * time.Hour, 10 * time.Minute, schedule.Status{}, false},
		{"resumed, but not probed", 30 * time.Minute, 300 * time.Hour, 61 * time.Minute, schedule.Status{}, true},
		{"not probed yet", time.Hour, 0, 10 * time.Hour, schedule.Status{}, false},
		{"the first probe said nothing", time.Hour, 0, time.Hour, schedule.Status{Error: "no descriptors"}, false},
		{"all probes said nothing", time.Hour, 0, 3 * time.Hour, schedule.Status{Error: "no descriptors"}, true},
		{"no module", time.Hour, 0, time.Second, schedule.Status{Problem: "no module"}, true},
	} {
		st := test.status
		st.Target, st.Since = &prober.Target{App: "a", Interval: test.interval}, now.Add(-test.was)
		if test.probed > 0 {
			st.Probed, st.LastProbe = true, now.Add(-test.probed)
		}
		s := subject(alerting.Target, &st, now)
		if s.Stalled != test.want || s.State != health.Unknown || s.Interval != test.interval {
			t.Errorf("%s: stalled: %v, %s, every %s", test.name, s.Stalled, s.State, s.Interval)
		}
	}
}
