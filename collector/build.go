package collector

import (
	"cmp"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
)

type build struct{ version, revision, goVersion string }

// NewBuildInfo gives health_exporter_build_info. What is not known reads "unknown".
func NewBuildInfo(version, revision string) prometheus.Collector {
	return build{clean(cmp.Or(version, "unknown")), clean(cmp.Or(revision, "unknown")), runtime.Version()}
}

func (b build) Describe(ch chan<- *prometheus.Desc) { described(ch, buildInfo) }

func (b build) Collect(ch chan<- prometheus.Metric) {
	ch <- buildInfo.of(integer(1), b.version, b.revision, b.goVersion)
}
