package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ReloadStats tell how the configuration was last loaded.
type ReloadStats struct {
	// Successful is whether the last attempt was.
	Successful bool
	// LastSuccess is when an attempt last was; zero if none ever.
	LastSuccess time.Time
}

type reload struct{ stats func() ReloadStats }

// NewReload gives the two gauges that the Prometheus family has for reloads.
func NewReload(stats func() ReloadStats) prometheus.Collector { return reload{stats} }

func (r reload) Describe(ch chan<- *prometheus.Desc) {
	described(ch, reloadSuccessful, reloadLastSuccess, blackboxReloadSuccessful, blackboxReloadLastSuccess)
}

func (r reload) Collect(ch chan<- prometheus.Metric) {
	stats := r.stats()
	ch <- reloadSuccessful.of(truth(stats.Successful))
	ch <- blackboxReloadSuccessful.of(truth(stats.Successful))
	if at, ok := timestamp(stats.LastSuccess); ok {
		ch <- reloadLastSuccess.of(at)
		ch <- blackboxReloadLastSuccess.of(at)
	}
}
