package selfmetrics

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/alerting/outbox"
	"github.com/health-exporter/health_exporter/internal/discovery"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/internal/zeroconf"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// gathered is what a collector gives: series → value.
func gathered(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			all[f.GetName()+"{"+strings.Join(labels, ",")+"}"] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return all
}

// TestAlone: what is only true or false, or may be absent, is seen in its place alone.
// The golden page of package collector has everything else.
func TestAlone(t *testing.T) {
	storage := func(s registry.Stats) prometheus.Collector {
		return Storage(func() registry.Stats { return s })
	}
	announced := func(s zeroconf.AnnouncerStats) prometheus.Collector {
		return Zeroconf(func() Multicast { return Multicast{Announcer: &s} })
	}
	browsed := func(s zeroconf.BrowserStats) prometheus.Collector {
		return Zeroconf(func() Multicast { return Multicast{Browser: &s} })
	}
	for _, test := range []struct {
		of   prometheus.Collector
		want string // the only series that is not 0
		size int    // of all series
	}{
		{storage(registry.Stats{}), "", 5},
		{storage(registry.Stats{Recovered: true}), "health_storage_recovered{}", 5},
		{storage(registry.Stats{DiskFailed: true}), "health_storage_failed{}", 5},
		{storage(registry.Stats{LastBackup: time.Unix(1, 0)}), "health_storage_last_backup_timestamp_seconds{}", 6},
		{announced(zeroconf.AnnouncerStats{}), "", 5},
		{announced(zeroconf.AnnouncerStats{Up: true}), `health_zeroconf_up{role="announce"}`, 5},
		{announced(zeroconf.AnnouncerStats{Visible: true}), "health_zeroconf_self_visible{}", 5},
		{browsed(zeroconf.BrowserStats{}), "", 2},
		{browsed(zeroconf.BrowserStats{Up: true}), `health_zeroconf_up{role="browse"}`, 2},
		{Zeroconf(func() Multicast { return Multicast{} }), "", 0},
		{Scheduler(func() schedule.Stats { return schedule.Stats{} }), "", 5},
		{Notifications(func() Notified { return Notified{} }), "", 4},
		{Notifications(func() Notified { return Notified{Mail: outbox.Stats{Oldest: time.Now().Add(time.Hour)}} }), "", 4},
		{Notifications(func() Notified { return Notified{Mail: outbox.Stats{Failed: map[string]uint64{"auth": 0}}} }), "", 4},
		{Discovery(func() []discovery.Stats { return nil }), "", 0},
		{Discovery(func() []discovery.Stats { return []discovery.Stats{{}} }), "", 2},
		{Lost(func() Gone { return Gone{Targets: make([]registry.Tombstone, 1)} }), "", 0},
		{Reload(func() Reloads { return Reloads{} }), "", 2},
	} {
		got := gathered(t, test.of)
		var some []string
		for series, value := range got {
			if value != 0 {
				some = append(some, series)
			}
		}
		if strings.Join(some, " ") != test.want || len(got) != test.size {
			t.Errorf("%v are not 0, want %s; %d series, want %d", some, test.want, len(got), test.size)
		}
	}
}

func TestReload(t *testing.T) {
	got := gathered(t, Reload(func() Reloads { return Reloads{Successful: true, LastSuccess: time.UnixMilli(1500)} }))
	want := map[string]float64{
		"health_exporter_config_last_reload_successful{}":                  1,
		"health_exporter_config_last_reload_success_timestamp_seconds{}":   1.5,
		"blackbox_exporter_config_last_reload_successful{}":                1,
		"blackbox_exporter_config_last_reload_success_timestamp_seconds{}": 1.5,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNamesAreSorted(t *testing.T) {
	if names := Names(); !slices.IsSorted(names) || len(names) < 40 {
		t.Errorf("%d names: %q", len(names), names)
	}
}
