package collector

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/alerting/alertmanager"
	"github.com/health-exporter/health_exporter/alerting/outbox"
	"github.com/health-exporter/health_exporter/internal/discovery"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/internal/zeroconf"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// The figures of the exporter's parts. No two are alike, and none is 0 but what must be,
// so that a figure in another's place shows.

func fixedScheduler() prometheus.Collector {
	return selfmetrics.Scheduler(func() schedule.Stats {
		return schedule.Stats{
			Jobs: 1001, InFlight: 1002, InFlightSlow: 1003, Started: 1004, Skipped: map[string]uint64{"overlap": 1005, "capacity": 1006},
			Lateness: schedule.LatenessStats{Count: 52, Sum: 0.75, Buckets: map[float64]uint64{0.001: 40, 0.005: 50, 1: 51}},
		}
	})
}

func fixedStorage() prometheus.Collector {
	return selfmetrics.Storage(func() registry.Stats {
		return registry.Stats{
			Targets:  map[prober.Source]int{"config": 1011, "api": 1012, "mdns": 1013},
			Shadowed: 1014, Changes: 1015, Errors: 1016, Recovered: true, Persistent: true, LastBackup: at(250), Bytes: 65536,
		}
	})
}

func fixedJournal() prometheus.Collector {
	return selfmetrics.Journal(func() journal.Stats { return journal.Stats{Head: 1042, Kept: 1040, Unwritten: 1} })
}

func fixedHistory() prometheus.Collector {
	return selfmetrics.History(func() history.Stats {
		return history.Stats{Subjects: 1021, Intervals: 1022, Bytes: 32768, LastWrite: at(260), Errors: 1023, Recovered: true}
	})
}

func fixedDiscovery() prometheus.Collector {
	return selfmetrics.Discovery(func() []discovery.Stats {
		return []discovery.Stats{
			{
				Job: "lan", Mechanism: "file_sd", Targets: 1031, LastList: at(270), Failures: 1032,
				Dropped: map[string]uint64{"invalid": 1033, "limit": 1034},
			},
			{Job: "bad\xff", Mechanism: "http_sd"},
		}
	})
}

func fixedReload() prometheus.Collector {
	return selfmetrics.Reload(func() selfmetrics.Reloads { return selfmetrics.Reloads{Successful: true, LastSuccess: at(280)} })
}

func fixedNotifications() prometheus.Collector {
	return selfmetrics.Notifications(func() selfmetrics.Notified {
		return selfmetrics.Notified{
			Mail: outbox.Stats{
				Queued: 1041, Oldest: time.Now().Add(-90 * time.Second), Sent: 1042, Dropped: 1043,
				Failed: map[string]uint64{"auth": 1044, "\xff": 1045, "refused": 0},
			},
			Push: alertmanager.Stats{Untold: 2000, Instances: []alertmanager.InstanceStats{
				{Sent: 4000, Failed: map[string]uint64{"auth": 8000, "status": 1046}, LastSuccess: at(290)},
				{Sent: 16000, Failed: map[string]uint64{"status": 32000, "timeout": 0}},
			}},
		}
	})
}

func fixedAdHoc() prometheus.Collector { return selfmetrics.AdHoc(func() uint64 { return 1051 }) }

func fixedGone() prometheus.Collector {
	return selfmetrics.Lost(func() selfmetrics.Gone {
		return selfmetrics.Gone{
			Targets: []registry.Tombstone{
				{App: "nas", Reason: registry.LeaseExpired, Email: "me@example.org", At: at(300), Since: at(301), LastHealthy: at(302)},
				{App: "tv\xff", Reason: registry.NotDiscovered, At: at(310)},
				{App: "when", Reason: registry.NotDiscovered},
			},
			Expired: map[registry.Reason]uint64{registry.LeaseExpired: 1061, registry.NotDiscovered: 1062},
		}
	})
}

func fixedZeroconf() prometheus.Collector {
	return selfmetrics.Zeroconf(func() selfmetrics.Multicast {
		return selfmetrics.Multicast{
			Announcer: &zeroconf.AnnouncerStats{Up: true, Interfaces: 1071, Name: "box", Renamed: 1072, Errors: 1073},
			Browser: &zeroconf.BrowserStats{
				Up: true, Errors: 1074, Targets: map[string]int{"_http._tcp": 1075},
				Events: map[string]uint64{"added": 1076}, Dropped: map[string]uint64{"network": 1077},
			},
		}
	})
}

// fixedSelf is all that is on the exporter's page besides the targets and what
// client_golang says of Go and the process.
func fixedSelf() []prometheus.Collector {
	return []prometheus.Collector{
		build{"1.0.0", "abc", "go1.26"},
		fixedEnvironment(), fixedScheduler(), NewScheduledChecks(fixed()), fixedStorage(), fixedJournal(), fixedHistory(),
		fixedDiscovery(), fixedReload(), fixedNotifications(), fixedAdHoc(), fixedGone(), fixedProbeDurations(false), fixedZeroconf(),
		fixedDurations(),
	}
}

// TestPageIsGolden holds the whole page of the exporter against that of before.
func TestPageIsGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the age of a notice depends on the time
		page := NewPage(fixed(), newRegistry(t, fixedSelf()...), nil)
		text := get(t, page, "")
		golden(t, "page.txt", text)
		parse(t, text)
		text = get(t, page, acceptOpenMetrics)
		golden(t, "page.openmetrics", text)
		checkOpenMetrics(t, text)
	})
}

// TestFiguresAreDistinct: no two figures of the parts are alike in the golden page, but
// those that are only true or false.
func TestFiguresAreDistinct(t *testing.T) {
	by := map[float64]string{}
	for series, value := range gathered(t, fixedScheduler(), fixedStorage(), fixedHistory(), fixedDiscovery(), fixedReload(),
		fixedNotifications(), fixedAdHoc(), fixedGone(), fixedZeroconf()) {
		if _, isType := typeLine(series); isType || value == 0 || value == 1 || value == at(280).Sub(time.Unix(0, 0)).Seconds() {
			continue
		}
		if other, taken := by[value]; taken {
			t.Errorf("%s and %s are both %v", series, other, value)
		}
		by[value] = series
	}
	if len(by) < 30 {
		t.Errorf("only %d figures: %v", len(by), by)
	}
}

// TestNames: the names that rules, dashboards and pages are held against are those
// that are exposed.
func TestNames(t *testing.T) {
	want := map[string]bool{}
	for series := range gathered(t, append(fixedSelf(), NewTargets(fixed()))...) {
		if name, ok := typeLine(series); ok {
			want[name] = true
		}
	}
	got := map[string]bool{}
	for _, name := range slices.Concat(Names(), selfmetrics.Names()) {
		if got[name] {
			t.Errorf("%s is given twice", name)
		}
		got[name] = true
	}
	for name := range want {
		if !got[name] {
			t.Errorf("%s is exposed and not among the names", name)
		}
	}
	for name := range got {
		if !want[name] {
			t.Errorf("%s is among the names and not exposed", name)
		}
	}
}
