package schedule

import (
	"testing"
	"time"
	"unsafe"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// TestHistoryIsSmall: each of very many targets has one.
func TestHistoryIsSmall(t *testing.T) {
	var h history
	for range HistoryLimit + 1 {
		h.add(&prober.Result{Outcome: health.Pass}, health.Healthy)
		if len(h.records) < cap(h.records)/2-4 || cap(h.records) > HistoryLimit {
			t.Fatalf("%d records have room for %d", len(h.records), cap(h.records))
		}
	}
	if size := unsafe.Sizeof(record{}); size != 16 {
		t.Errorf("a record takes %d bytes", size)
	}
}

// TestHistoryKeepsWhatWasSaid: what is packed comes out again, each with each.
func TestHistoryKeepsWhatWasSaid(t *testing.T) {
	for _, state := range health.Verdicts() {
		for _, reason := range append(prober.Reasons(), "") {
			for _, outcome := range []health.Outcome{health.Pass, health.Warn, health.Fail} {
				var h history
				start := time.Unix(1764252345, 678)
				h.add(&prober.Result{Start: start, Duration: 3 * time.Second, StatusCode: 599, Outcome: outcome, Reason: reason}, state)
				e := h.entries(1)[0]
				if e.State != state || e.Reason != reason || e.Outcome != outcome || !e.Time.Equal(start) || e.StatusCode != 599 || e.Latency != 3*time.Second {
					t.Errorf("%v, %q, %v came out as %+v", state, reason, outcome, e)
				}
			}
		}
	}
}
