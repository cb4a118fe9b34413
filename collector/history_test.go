package collector

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func fixedHistory() prometheus.Collector {
	return NewHistory(func() HistoryStats {
		return HistoryStats{Subjects: 5, Intervals: 120, Bytes: 32768, Errors: 2, Recovered: true}
	})
}

func TestHistory(t *testing.T) {
	got := map[string]float64{}
	for series, value := range gathered(t, fixedHistory()) {
		if _, isType := typeLine(series); !isType {
			got[series] = value
		}
	}
	want := map[string]float64{
		"health_history_subjects{}": 5, "health_history_intervals{}": 120, "health_history_bytes{}": 32768,
		"health_history_write_errors_total{}": 2, "health_history_recovered{}": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
