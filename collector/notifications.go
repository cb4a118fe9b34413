package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// NotificationStats tell how it goes with telling people.
type NotificationStats struct {
	// Queued is how many notices wait, and Oldest since when; zero if none does.
	Queued int
	Oldest time.Time
	// Sent counts deliveries, Failed those in vain by reason, Dropped notices that were
	// never told.
	Sent, Dropped uint64
	Failed        map[string]uint64
}

type notifications struct{ stats func() NotificationStats }

// NewNotifications gives the metrics of the exporter's own notifications.
func NewNotifications(stats func() NotificationStats) prometheus.Collector {
	return notifications{stats}
}

func (n notifications) Describe(ch chan<- *prometheus.Desc) {
	described(ch, notificationsQueued, notificationsOldest, notificationsSent, notificationsFailed, notificationsDropped)
}

func (n notifications) Collect(ch chan<- prometheus.Metric) {
	s := n.stats()
	ch <- notificationsQueued.of(integer(s.Queued))
	ch <- notificationsSent.of(integer(s.Sent))
	ch <- notificationsDropped.of(integer(s.Dropped))
	age := 0.0
	if !s.Oldest.IsZero() {
		age = max(0, time.Since(s.Oldest).Seconds())
	}
	ch <- notificationsOldest.of(float(age))
	for reason, count := range s.Failed {
		ch <- notificationsFailed.of(integer(count), clean(reason))
	}
}
