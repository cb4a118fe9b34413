package config

import (
	"cmp"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/names"
	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// Public says what everybody may see without being let in.
type Public struct {
	// Title stands above the pages.
	Title string
	// Targets, Groups and Checks are names, or patterns as path.Match has them.
	Targets, Groups, Checks []string
}

type publicSection struct {
	Title   string      `yaml:"title"`
	Targets []yaml.Node `yaml:"targets"`
	Groups  []yaml.Node `yaml:"groups"`
	Checks  []yaml.Node `yaml:"checks"`
}

const defaultPublicTitle = "Status"

// build gives nil if nothing is public.
func (s *publicSection) build(faults *strictyaml.Faults) *Public {
	if s == nil {
		return nil
	}
	p := &Public{Title: cmp.Or(s.Title, defaultPublicTitle)}
	for _, list := range []struct {
		key   string
		nodes []yaml.Node
		into  *[]string
	}{{"targets", s.Targets, &p.Targets}, {"groups", s.Groups, &p.Groups}, {"checks", s.Checks, &p.Checks}} {
		for _, n := range list.nodes {
			if n.Kind != yaml.ScalarNode || n.Value == "" {
				faults.Add(n.Line, "public."+list.key, "%s is not a valid name or pattern, such as web-*", strictyaml.Found(&n))
				continue
			}
			*list.into = append(*list.into, n.Value)
		}
	}
	if len(s.Targets)+len(s.Groups)+len(s.Checks) == 0 {
		faults.Add(0, "public", "names nothing: give targets, groups or checks, as names or patterns; \"*\" is all")
	}
	return p
}

// Shows reports whether a target (or, if so, a check) is among what is public.
func (p *Public) Shows(check bool, name, group string) bool {
	if check {
		return names.MatchAny(p.Checks, name)
	}
	return names.MatchAny(p.Targets, name) || group != "" && names.MatchAny(p.Groups, group)
}
