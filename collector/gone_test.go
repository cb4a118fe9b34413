package collector

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func fixedGone() prometheus.Collector {
	return NewGone(func() GoneStats {
		return GoneStats{
			Targets: []GoneTarget{
				{Target: "nas", Reason: "lease_expired", Email: "me@example.org", At: time.Unix(1_800_000_000, 0)},
				{Target: "tv\xff", Reason: "not_discovered", At: time.Unix(1_800_000_001, 0)},
			},
			Expired: map[string]uint64{"lease_expired": 2, "not_discovered": 0},
		}
	})
}

func TestGone(t *testing.T) {
	got := gathered(t, fixedGone())
	want := map[string]float64{
		`health_target_gone_timestamp_seconds{email="me@example.org",reason="lease_expired",target="nas"}`:   1_800_000_000,
		`health_target_gone_timestamp_seconds{email="",reason="not_discovered",target="tv` + "\uFFFD" + `"}`: 1_800_000_001,
		`health_targets_expired_total{reason="lease_expired"}`:                                               2,
		`health_targets_expired_total{reason="not_discovered"}`:                                              0,
	}
	for series, value := range want {
		if found, ok := got[series]; !ok || found != value {
			t.Errorf("%s is %v, want %v; there are %v", series, found, value, got)
		}
	}
	if len(got) != len(want)+2 { // and the types
		t.Errorf("%d series: %v", len(got), got)
	}
}
