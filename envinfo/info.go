package envinfo

import (
	"os"
	"runtime"
	"strings"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// InfoMetric is a metric whose value is always 1 and whose labels hold the information.
// A name comes more than once if there is more than one such thing; the help
// is the same then, and so are the names of the labels.
type InfoMetric struct {
	Name   string
	Help   string
	Labels []Label
}

// Label is one label of an InfoMetric.
type Label struct{ Name, Value string }

// InfoFamily is the metrics of one name: their help and the names of their labels.
type InfoFamily struct {
	Name, Help string
	Labels     []string
}

// The families that Info may have.
var (
	osInfo      = InfoFamily{"health_environment_os_info", "The operating system.", []string{"platform", "name", "system", "release", "machine"}}
	goInfo      = InfoFamily{"health_environment_go_info", "The version of Go and the program built with it.", []string{"version", "module", "main_version"}}
	processInfo = InfoFamily{"health_environment_process_info", "Who runs the process, where and from which file.", []string{"user", "cwd", "executable"}}
	packageInfo = InfoFamily{"health_environment_package_info", "A module that the program is built from.", []string{"module", "version"}}
)

// InfoFamilies are the families of all metrics that Info may have.
func InfoFamilies() []InfoFamily { return []InfoFamily{osInfo, goInfo, processInfo, packageInfo} }

// Info is what the sections os, go and process have for a metrics page that
// anybody may read, for those of them that are on. Command line, environment
// variables and configuration are never part of it. It does not change while the
// process runs, so ask once.
func (e *Environment) Info() []InfoMetric {
	var info []InfoMetric
	if !e.WithoutOS {
		u := systemName()
		info = append(info, osInfo.metric(runtime.GOOS, osFamily(), u.system, u.release, u.machine))
	}
	build := readBuild()
	if !e.WithoutGo {
		info = append(info, goInfo.metric(runtime.Version(), build.path, build.version))
	}
	if !e.WithoutProcess {
		cwd, _ := os.Getwd()
		executable, _ := os.Executable()
		info = append(info, processInfo.metric(userName(), cwd, executable))
	}
	if !e.WithoutGo {
		for _, m := range build.modules {
			info = append(info, packageInfo.metric(m.path, m.version))
		}
	}
	return info
}

// metric has a valid and redacted value for each label.
func (f InfoFamily) metric(values ...string) InfoMetric {
	m := InfoMetric{Name: f.Name, Help: f.Help}
	for i, name := range f.Labels {
		m.Labels = append(m.Labels, Label{name, redact.Text(strings.ToValidUTF8(values[i], "?"))})
	}
	return m
}
