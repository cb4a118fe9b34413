package collector

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func fixedNotifications() prometheus.Collector {
	return NewNotifications(func() NotificationStats {
		return NotificationStats{
			Queued: 3, Oldest: time.Now().Add(-time.Minute), Sent: 7, Dropped: 1, Failed: map[string]uint64{"auth": 2, "\xff": 1},
		}
	})
}

func TestNotifications(t *testing.T) {
	got := gathered(t, fixedNotifications())
	for series, want := range map[string]float64{
		"health_notifications_queued{}": 3, "health_notifications_sent_total{}": 7, "health_notifications_dropped_total{}": 1,
		`health_notifications_failed_total{reason="auth"}`: 2,
	} {
		if got[series] != want {
			t.Errorf("%s is %v, want %v", series, got[series], want)
		}
	}
	if age := got["health_notifications_oldest_age_seconds{}"]; age < 60 || age > 70 {
		t.Errorf("age %v", age)
	}
	none := gathered(t, NewNotifications(func() NotificationStats { return NotificationStats{} }))
	if age, there := none["health_notifications_oldest_age_seconds{}"]; !there || age != 0 {
		t.Errorf("with nothing to tell: %v", none)
	}
}
