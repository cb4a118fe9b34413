package collector

import "github.com/prometheus/client_golang/prometheus"

// metric is a family that is not read from the snapshot of the targets.
type metric struct {
	name, help string
	kind       kind
	labels     []string
}

var (
	buildInfo = metric{"health_exporter_build_info", "The version of the exporter.", info, []string{"version", "revision", "goversion"}}

	// The name is what users of blackbox_exporter have asked it for.
	httpDuration = metric{"probe_http_duration", "How many seconds probes over HTTP took, scheduled or ad hoc. A native histogram.", histogram, []string{"module"}}

	probeDuration = metric{"health_probe_duration_seconds", "How long the scheduled probes of targets took, by their module and result.", histogram, []string{"module", "result"}}
)

// selfMetrics are those of them that Names does not know from elsewhere.
var selfMetrics = []metric{buildInfo, httpDuration, probeDuration}

func (m metric) desc() *prometheus.Desc { return newDesc(m.name, m.help, "", m.labels...) }

// described sends the descriptions of all the metrics.
func described(ch chan<- *prometheus.Desc, list ...metric) {
	for _, m := range list {
		ch <- m.desc()
	}
}

func (m metric) of(v number, labels ...string) prometheus.Metric {
	return newMetric(m.desc(), m.kind, v, labels...)
}
