package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The label is "config", as in Prometheus' own metrics of service discovery: a label
// "job" would be in the way of the one that each scrape sets.
var (
	discoveryTargets  = metric{"health_discovery_targets", "Targets found by a job of discovery, by mechanism.", gauge, []string{"config", "mechanism"}}
	discoveryLastList = metric{"health_discovery_last_success_timestamp_seconds", "When the mechanism last gave a list. Absent if it has not yet.", gauge, []string{"config", "mechanism"}}
	discoveryFailures = metric{"health_discovery_failures_total", "What went wrong: files, answers or servers that could not be read. The last good list stays in force.", counter, []string{"config", "mechanism"}}
	discoveryDropped  = metric{"health_discovery_dropped_total", "Targets, or labels of targets, that were found and left out, by reason.", counter, []string{"config", "mechanism", "reason"}}
)

var discoveryMetrics = []metric{discoveryTargets, discoveryLastList, discoveryFailures, discoveryDropped}

// DiscoveryStats are the figures of one mechanism of one job.
type DiscoveryStats struct {
	Job, Mechanism string
	// Targets is how many there are.
	Targets int
	// LastList is zero if no list was given yet.
	LastList time.Time
	// Failures counts what went wrong, Dropped what was left out, by reason.
	Failures uint64
	Dropped  map[string]uint64
}

type discovery struct{ stats func() []DiscoveryStats }

// NewDiscovery gives the figures of the discovery of targets, health_discovery_*.
func NewDiscovery(stats func() []DiscoveryStats) prometheus.Collector { return discovery{stats} }

func (d discovery) Describe(ch chan<- *prometheus.Desc) { described(ch, discoveryMetrics...) }

func (d discovery) Collect(ch chan<- prometheus.Metric) {
	for _, s := range d.stats() {
		name := clean(s.Job)
		ch <- discoveryTargets.of(integer(s.Targets), name, s.Mechanism)
		ch <- discoveryFailures.of(integer(s.Failures), name, s.Mechanism)
		if at, ok := timestamp(s.LastList); ok {
			ch <- discoveryLastList.of(at, name, s.Mechanism)
		}
		for reason, n := range s.Dropped {
			ch <- discoveryDropped.of(integer(n), name, s.Mechanism, reason)
		}
	}
}
