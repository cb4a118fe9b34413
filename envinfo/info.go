package envinfo

import (
	"os"
	"runtime"
	"strings"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// InfoMetric is a metric whose value is always 1 and whose labels tell something.
// A name comes more than once if there is more than one thing to tell; the help
// is the same then, and so are the names of the labels.
type InfoMetric struct {
	Name   string
	Help   string
	Labels []Label
}

// Label is one label of an InfoMetric.
type Label struct{ Name, Value string }

// Info is what the sections os, go and process have for a metrics page that
// anybody may read, for those of them that are on. Command line, environment
// variables and configuration are never part of it. It does not change while the
// process runs, so ask once.
func (e *Environment) Info() []InfoMetric {
	var info []InfoMetric
	if !e.WithoutOS {
		u := systemName()
		info = append(info, infoMetric("health_environment_os_info", "The operating system.",
			"platform", runtime.GOOS, "name", osFamily(), "system", u.system, "release", u.release, "machine", u.machine))
	}
	build := readBuild()
	if !e.WithoutGo {
		info = append(info, infoMetric("health_environment_go_info", "The version of Go and the program built with it.",
			"version", runtime.Version(), "module", build.path, "main_version", build.version))
	}
	if !e.WithoutProcess {
		cwd, _ := os.Getwd()
		executable, _ := os.Executable()
		info = append(info, infoMetric("health_environment_process_info", "Who runs the process, where and from which file.",
			"user", userName(), "cwd", cwd, "executable", executable))
	}
	if !e.WithoutGo {
		for _, m := range build.modules {
			info = append(info, infoMetric("health_environment_package_info", "A module that the program is built from.",
				"module", m.path, "version", m.version))
		}
	}
	return info
}

// infoMetric makes valid label values of names and values in turn.
func infoMetric(name, help string, labels ...string) InfoMetric {
	m := InfoMetric{Name: name, Help: help}
	for i := 0; i+1 < len(labels); i += 2 {
		m.Labels = append(m.Labels, Label{labels[i], redact.Text(strings.ToValidUTF8(labels[i+1], "?"))})
	}
	return m
}
