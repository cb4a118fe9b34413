package config

import (
	"context"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/names"
	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// writtenCheck is what a check says of others, whatever is wrong with the rest of it.
type writtenCheck struct {
	path      string
	node      *yaml.Node
	name      string
	kind      string
	of, after []string // what it is made of, and what it depends on
}

func writtenChecks(nodes []yaml.Node) []writtenCheck {
	list := make([]writtenCheck, len(nodes))
	for i := range nodes {
		c := writtenCheck{path: fmt.Sprintf("checks[%d]", i), node: &nodes[i]}
		unchecked := newDecoder(&strictyaml.Faults{}) // the faults are listed already
		var s struct {
			Name      string         `yaml:"name"`
			Kind      string         `yaml:"kind"`
			Of        []string       `yaml:"of"`
			DependsOn []string       `yaml:"depends_on"`
			Rest      map[string]any `yaml:",inline"`
		}
		unchecked.Decode(c.node, c.path, &s)
		c.name, c.kind, c.after = s.Name, s.Kind, s.DependsOn
		if s.Kind == "composite" {
			c.of = s.Of
		}
		list[i] = c
	}
	return list
}

// relationFaults sees that what checks are made of, and depend on, is there: no composite
// is made of one, and nothing depends on itself.
func (d *decoder) relationFaults(written []writtenCheck) {
	kinds, after := map[string]string{}, map[string][]string{}
	var known []string
	for _, c := range written {
		kinds[c.name], after[c.name] = c.kind, c.after
		known = append(known, c.name)
	}
	for _, c := range written {
		fault := func(path, format string, args ...any) {
			d.Faults.Add(strictyaml.LineOf(c.node, path, c.node.Line), strictyaml.Join(c.path, path), format, args...)
		}
		there := func(path, name string) bool {
			_, ok := kinds[name]
			if !ok {
				fault(path, "there is no check %q%s", name, names.DidYouMean(name, known))
			}
			return ok
		}
		for j, name := range c.of {
			if path := fmt.Sprintf("of[%d]", j); there(path, name) && kinds[name] == "composite" {
				fault(path, "%q is made of others itself", name)
			}
		}
		for j, name := range c.after {
			there(fmt.Sprintf("depends_on[%d]", j), name)
		}
		if circle := prober.Circle(c.name, func(name string) []string { return after[name] }); circle != nil {
			fault("depends_on", "%s", circle)
		}
	}
}

// libraryFaults are those that package health finds in a check by itself.
func (d *decoder) libraryFaults(c *Check, n *yaml.Node, at string) {
	alone := c.Check
	alone.Run, alone.DependsOn = func(context.Context) error { return nil }, nil
	_, err := health.New(alone)
	if err == nil {
		return
	}
	for _, each := range unjoin(err) {
		detail := strings.TrimPrefix(each.Error(), fmt.Sprintf("check %q: ", c.Name))
		key := ""
		switch {
		case strings.HasPrefix(detail, "the name "):
			key, detail = "name", fmt.Sprintf("%q %s", c.Name, strings.TrimPrefix(detail, "the name "))
		case strings.HasPrefix(detail, "the group "):
			key, detail = "groups", strings.TrimPrefix(detail, "the group ")
		case strings.Contains(detail, "group live"):
			key = "groups"
		}
		path := strings.TrimSuffix(strictyaml.Join(at, key), ".")
		if !d.Faults.Near(path, 0) {
			d.Faults.Add(strictyaml.LineOf(n, key, n.Line), path, "%s", detail)
		}
	}
}
