package collector

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/envinfo"
)

// fixedEnvironment is one machine, with what may go wrong on it.
func fixedEnvironment() prometheus.Collector {
	module := func(path, version string) envinfo.InfoMetric {
		return envinfo.InfoMetric{Name: "health_environment_package_info", Help: "A module that the program is built from.", Labels: []envinfo.Label{{Name: "module", Value: path}, {Name: "version", Value: version}}}
	}
	return NewEnvironment([]envinfo.InfoMetric{
		{Name: "health_environment_os_info", Labels: []envinfo.Label{
			{Name: "platform", Value: "linux"}, {Name: "name", Value: "Debian"}, {Name: "system", Value: "Linux"}, {Name: "release", Value: "6.1"}, {Name: "machine", Value: "x86_64"},
		}},
		{Name: "health_environment_go_info", Labels: []envinfo.Label{{Name: "version", Value: "go1.26"}, {Name: "module", Value: "example.org/shop"}}},
		{Name: "health_environment_process_info", Labels: []envinfo.Label{
			{Name: "user", Value: "nob\xffody"}, {Name: "cwd", Value: "/"}, {Name: "executable", Value: `/opt/"shop"`}, {Name: "argv", Value: "--password=hunter2"},
		}},
		module("example.org/a", "v1.0.0"), module("example.org/b", "v1.0.0"),
		module("example.org/a", "v1.0.0"), module("example.org/a", "v2.0.0"),
		{Name: "health_environment_variables_info", Labels: []envinfo.Label{{Name: "PASSWORD", Value: "hunter2"}}},
	})
}

func TestEnvironment(t *testing.T) {
	got := gathered(t, fixedEnvironment())
	maps.DeleteFunc(got, func(series string, _ float64) bool { return strings.HasPrefix(series, "#") })
	want := map[string]float64{
		`health_environment_os_info{machine="x86_64",name="Debian",platform="linux",release="6.1",system="Linux"}`: 1,
		`health_environment_go_info{main_version="",module="example.org/shop",version="go1.26"}`:                   1,
		`health_environment_process_info{cwd="/",executable="/opt/\"shop\"",user="nob�ody"}`:                       1,
		`health_environment_package_info{module="example.org/a",version="v1.0.0"}`:                                 1,
		`health_environment_package_info{module="example.org/a",version="v2.0.0"}`:                                 1,
		`health_environment_package_info{module="example.org/b",version="v1.0.0"}`:                                 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEnvironmentOfNothing(t *testing.T) {
	if got := gathered(t, NewEnvironment(nil)); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

// TestEnvironmentOnOpenMetrics: Prometheus asks for this format, whose info metrics
// have rules of their own.
func TestEnvironmentOnOpenMetrics(t *testing.T) {
	page := get(t, NewPage(statuses{}, newRegistry(t, fixedEnvironment()), nil), acceptOpenMetrics)
	checkOpenMetrics(t, page)
	if !strings.Contains(page, `health_environment_package_info{module="example.org/a",version="v2.0.0"} 1`) {
		t.Errorf("no package on the page:\n%s", page)
	}
}

// TestEnvironmentTellsAllOfInfo: what envinfo has of this very process must arrive, label
// by label.
func TestEnvironmentTellsAllOfInfo(t *testing.T) {
	infos := (&envinfo.Environment{}).Info()
	seen := map[string]bool{}
	for _, each := range infos {
		seen[each.Name] = true
		i := slices.IndexFunc(environmentMetrics, func(m metric) bool { return m.name == each.Name })
		if i < 0 {
			t.Errorf("%s is not given", each.Name)
			continue
		}
		var labels []string
		for _, l := range each.Labels {
			labels = append(labels, l.Name)
		}
		m := environmentMetrics[i]
		if diff := cmp.Diff(labels, m.labels); diff != "" || each.Help != m.help {
			t.Errorf("%s: help %q, want %q; labels (-envinfo +collector):\n%s", m.name, m.help, each.Help, diff)
		}
	}
	// A test binary does not know which modules it is built from; what e2e runs does.
	for _, m := range environmentMetrics[:3] {
		if !seen[m.name] {
			t.Errorf("envinfo does not tell of %s", m.name)
		}
	}
	ones := 0
	for _, v := range gathered(t, NewEnvironment(infos)) {
		ones += int(v)
	}
	if ones != len(infos) {
		t.Errorf("%d metrics of %d infos", ones, len(infos))
	}
}
