package selfmetrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/internal/registry"
)

// Gone are the targets that are gone although nobody has removed them, and how many
// there were, by reason.
type Gone struct {
	// Targets have only the addresses that may be shown.
	Targets []registry.Tombstone
	Expired map[registry.Reason]uint64
}

var goneTable = []stat[Gone]{
	{
		gauge("health_target_gone_timestamp_seconds", "When a target was lost although nobody has removed it. Absent once it is back, was deleted, or a week has passed.", "target", "reason", "email"),
		func(g Gone, to add) {
			for i := range g.Targets {
				if t := &g.Targets[i]; !t.At.IsZero() {
					to(timestamp(t.At), t.App, string(t.Reason), t.Email)
				}
			}
		},
	},
	{
		counter("health_targets_expired_total", "Targets lost although nobody has removed them, by reason.", "reason"),
		each(func(g Gone) map[registry.Reason]uint64 { return g.Expired }),
	},
}

// Lost has the figures of targets that are gone.
func Lost(say func() Gone) prometheus.Collector { return part[Gone]{say, goneTable} }
