package collector

import "github.com/prometheus/client_golang/prometheus"

type adHoc struct{ unknownModules func() uint64 }

// NewAdHoc gives the figures of /probe: how often it was asked for a module that
// does not exist.
func NewAdHoc(unknownModules func() uint64) prometheus.Collector { return adHoc{unknownModules} }

func (a adHoc) Describe(ch chan<- *prometheus.Desc) { described(ch, blackboxUnknownModule) }

func (a adHoc) Collect(ch chan<- prometheus.Metric) {
	ch <- blackboxUnknownModule.of(integer(a.unknownModules()))
}
