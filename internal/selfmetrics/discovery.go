package selfmetrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/internal/discovery"
)

// discoveryTable has the label "config", as Prometheus' own metrics of service discovery
// have: a label "job" would be in the way of the one that each scrape sets.
var discoveryTable = []stat[[]discovery.Stats]{
	{
		gauge("health_discovery_targets", "Targets found by a job of discovery, by mechanism.", "config", "mechanism"),
		jobs(func(s discovery.Stats, to add) { to(float64(s.Targets)) }),
	},
	{
		gauge("health_discovery_last_success_timestamp_seconds", "When the mechanism last gave a list. Absent if it has not yet.", "config", "mechanism"),
		jobs(func(s discovery.Stats, to add) {
			if !s.LastList.IsZero() {
				to(timestamp(s.LastList))
			}
		}),
	},
	{
		counter("health_discovery_failures_total", "Errors: files, answers or servers that could not be read. The last good list stays in force.", "config", "mechanism"),
		jobs(func(s discovery.Stats, to add) { to(float64(s.Failures)) }),
	},
	{
		counter("health_discovery_dropped_total", "Targets, or labels of targets, that were found and left out, by reason.", "config", "mechanism", "reason"),
		jobs(func(s discovery.Stats, to add) {
			for reason, n := range s.Dropped {
				to(float64(n), reason)
			}
		}),
	},
}

// Discovery has the figures of the discovery of targets, health_discovery_*.
func Discovery(say func() []discovery.Stats) prometheus.Collector {
	return part[[]discovery.Stats]{say, discoveryTable}
}

// jobs reads each mechanism of each job, with their names as the first labels.
func jobs(read func(discovery.Stats, add)) func([]discovery.Stats, add) {
	return func(list []discovery.Stats, to add) {
		for _, s := range list {
			read(s, func(value float64, labels ...string) {
				to(value, append([]string{s.Job, s.Mechanism}, labels...)...)
			})
		}
	}
}
