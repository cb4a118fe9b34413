package collector

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/envinfo"
)

// The families that envinfo.Environment.Info has.
var (
	osInfo      = metric{"health_environment_os_info", "The operating system.", info, []string{"platform", "name", "system", "release", "machine"}}
	goInfo      = metric{"health_environment_go_info", "The version of Go and the program built with it.", info, []string{"version", "module", "main_version"}}
	processInfo = metric{"health_environment_process_info", "Who runs the process, where and from which file.", info, []string{"user", "cwd", "executable"}}
	packageInfo = metric{"health_environment_package_info", "A module that the program is built from.", info, []string{"module", "version"}}
)

var environmentMetrics = []metric{osInfo, goInfo, processInfo, packageInfo}

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
