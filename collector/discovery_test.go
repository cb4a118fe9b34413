package collector

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func fixedDiscovery() prometheus.Collector {
	return NewDiscovery(func() []DiscoveryStats {
		return []DiscoveryStats{
			{
				Job: "lan", Mechanism: "file_sd", Targets: 3, LastList: time.Unix(1700000000, 0), Failures: 2,
				Dropped: map[string]uint64{"invalid": 4},
			},
			{Job: "bad\xff", Mechanism: "http_sd"},
		}
	})
}

func TestDiscovery(t *testing.T) {
	got := gathered(t, fixedDiscovery())
	want := map[string]float64{
		`health_discovery_targets{config="lan",mechanism="file_sd"}`:                        3,
		`health_discovery_failures_total{config="lan",mechanism="file_sd"}`:                 2,
		`health_discovery_last_success_timestamp_seconds{config="lan",mechanism="file_sd"}`: 1700000000,
		`health_discovery_dropped_total{config="lan",mechanism="file_sd",reason="invalid"}`: 4,
		"health_discovery_targets{config=\"bad\ufffd\",mechanism=\"http_sd\"}":              0,
		"health_discovery_failures_total{config=\"bad\ufffd\",mechanism=\"http_sd\"}":       0,
	}
	for series := range got {
		if _, isType := typeLine(series); isType {
			delete(got, series)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
