package selfmetrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/alerting/alertmanager"
	"github.com/health-exporter/health_exporter/alerting/outbox"
)

// Notified is what the ways out say of how it goes with telling people.
type Notified struct {
	Mail outbox.Stats
	Push alertmanager.Stats // zero if nothing is pushed
}

var notificationsTable = []stat[Notified]{
	{
		gauge("health_notifications_queued", "Notices of changes waiting to be delivered."),
		one(func(n Notified) int { return n.Mail.Queued + n.Push.Untold }),
	},
	{
		gauge("health_notifications_oldest_age_seconds", "How long the oldest notice has been waiting; 0 if none is."),
		one(func(n Notified) float64 { return age(n.Mail.Oldest) }),
	},
	{
		counter("health_notifications_sent_total", "Deliveries: mails, or alerts taken by an Alertmanager."),
		one(func(n Notified) uint64 {
			sent := n.Mail.Sent
			for _, instance := range n.Push.Instances {
				sent += instance.Sent
			}
			return sent
		}),
	},
	{
		counter("health_notifications_failed_total", "Failed attempts to deliver, by reason. Only reasons that have occurred are present.", "reason"),
		each(Notified.failed),
	},
	{
		counter("health_notifications_dropped_total", "Notices dropped: too many were waiting, or the recipient was refused."),
		one(func(n Notified) uint64 { return n.Mail.Dropped }),
	},
}

// Notifications has the figures of telling people, health_notifications_*.
func Notifications(say func() Notified) prometheus.Collector {
	return part[Notified]{say, notificationsTable}
}

// failed counts what failed by reason, over all ways.
func (n Notified) failed() map[string]uint64 {
	sum := map[string]uint64{}
	count := func(failed map[string]uint64) {
		for reason, times := range failed {
			if times > 0 {
				sum[reason] += times
			}
		}
	}
	count(n.Mail.Failed)
	for _, instance := range n.Push.Instances {
		count(instance.Failed)
	}
	return sum
}

// age is how long ago it was, in seconds; 0 for the zero time.
func age(since time.Time) float64 {
	if since.IsZero() {
		return 0
	}
	return max(0, time.Since(since).Seconds())
}
