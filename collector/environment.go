package collector

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/envinfo"
)

// environmentMetrics are the families that envinfo.Environment.Info has.
var environmentMetrics = infoMetricsOf(envinfo.InfoFamilies())

func infoMetricsOf(families []envinfo.InfoFamily) (list []metric) {
	for _, f := range families {
		list = append(list, metric{f.Name, f.Help, info, f.Labels})
	}
	return list
}

// environment holds the metrics, made once: they do not change as long as the
// process runs.
type environment []prometheus.Metric

// NewEnvironment gives what envinfo.Environment.Info has told: the four families
// health_environment_os_info, _go_info, _process_info and _package_info, or those of
// them that are on. Anything else in the list is left out, so that nothing comes onto
// a page that anybody may read because somebody added it to the list; so are labels
// that these families do not have. What is given twice is given once.
func NewEnvironment(infos []envinfo.InfoMetric) prometheus.Collector {
	var list environment
	given := map[string]bool{}
	for _, m := range environmentMetrics {
		for _, each := range infos {
			if each.Name != m.name {
				continue
			}
			values := valuesOf(each.Labels, m.labels)
			if key := m.name + "\x00" + strings.Join(values, "\x00"); !given[key] {
				given[key] = true
				list = append(list, m.of(integer(1), values...))
			}
		}
	}
	return list
}

// valuesOf are the clean values of the labels with these names, "" for those that
// are missing.
func valuesOf(labels []envinfo.Label, names []string) []string {
	values := make([]string, len(names))
	for i, name := range names {
		for _, l := range labels {
			if l.Name == name {
				values[i] = clean(l.Value)
			}
		}
	}
	return values
}

func (e environment) Describe(ch chan<- *prometheus.Desc) { described(ch, environmentMetrics...) }

func (e environment) Collect(ch chan<- prometheus.Metric) {
	for _, m := range e {
		ch <- m
	}
}
