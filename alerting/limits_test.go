package alerting

import (
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

func TestStalledSince(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	before, never := now.Add(-time.Hour), time.Time{}
	for _, test := range []struct {
		name         string
		s            Subject
		before, want time.Time
	}{
		{"it begins", Subject{Stalled: true}, never, now},
		{"it goes on", Subject{Stalled: true}, before, before},
		{"it is probed", Subject{}, before, never},
		{"somebody wants it so", Subject{Stalled: true, Paused: true}, before, never},
		{"what it is like is known", Subject{Stalled: true, State: health.Unhealthy}, before, never},
	} {
		if got := StalledSince(&test.s, test.before, now); !got.Equal(test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestBad(t *testing.T) {
	want := map[health.Verdict]bool{health.Degraded: true, health.Unhealthy: true}
	for _, v := range health.Verdicts() {
		if Bad(v) != want[v] {
			t.Errorf("%s: %v", v, Bad(v))
		}
	}
}
