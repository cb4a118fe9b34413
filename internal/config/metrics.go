package config

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/names"
	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// Metrics says what /metrics leaves out.
type Metrics struct {
	// Drop has names, or patterns as path.Match has them, of families of targets and checks.
	Drop []string
}

// Drops reports whether a family is left out.
func (m *Metrics) Drops(family string) bool { return names.MatchAny(m.Drop, family) }

type metricsSection struct {
	Drop []yaml.Node `yaml:"drop"`
}

func (s *metricsSection) build(faults *strictyaml.Faults) (m Metrics) {
	for i, n := range s.Drop {
		if n.Kind != yaml.ScalarNode || n.Value == "" {
			faults.Add(n.Line, fmt.Sprintf("metrics.drop[%d]", i), "%s is not the name of a family of metrics or a pattern, such as health_target_consecutive_*", strictyaml.Found(&n))
			continue
		}
		m.Drop = append(m.Drop, n.Value)
	}
	return m
}

// droppedFamily is one line of metrics.drop.
type droppedFamily struct {
	line    int
	path    string
	pattern string
}

func (s *metricsSection) dropped() (list []droppedFamily) {
	for i, n := range s.Drop {
		list = append(list, droppedFamily{n.Line, fmt.Sprintf("metrics.drop[%d]", i), n.Value})
	}
	return list
}

// warnings are that there is no such family, or who needs those that there are; none, if
// nobody says what there is.
func (d *droppedFamily) warnings(families map[string][]string) (list []strictyaml.Fault) {
	if families == nil {
		return nil
	}
	add := func(format string, args ...any) {
		list = append(list, strictyaml.Fault{Line: d.line, Path: d.path, Detail: fmt.Sprintf(format, args...)})
	}
	var all []string
	found := false
	for family, needers := range families {
		all = append(all, family)
		if !names.Match(d.pattern, family) {
			continue
		}
		found = true
		if len(needers) > 0 {
			add("leaves out %s, without which these do not work: %s", family, someOf(needers))
		}
	}
	if !found {
		slices.Sort(all)
		verb := "has the name"
		if names.Wild(d.pattern) {
			verb = "fits"
		}
		add("no family of targets or checks %s %q%s", verb, d.pattern, names.DidYouMean(d.pattern, all))
	}
	return list
}

// maxNeeders is how many users of a family a warning names.
const maxNeeders = 5

func someOf(list []string) string {
	text := strings.Join(list[:min(len(list), maxNeeders)], ", ")
	if more := len(list) - maxNeeders; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
