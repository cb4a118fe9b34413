package config

import (
	"fmt"
	"maps"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/names"
	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

func (doc *document) targets(d *decoder, c *Config) []prober.Target {
	targets := make([]prober.Target, 0, len(doc.Targets))
	lines := map[string]int{}
	known := map[string][]string{} // what each depends on
	for i := range doc.Targets {
		n, path := &doc.Targets[i], fmt.Sprintf("targets[%d]", i)
		t := prober.NewTarget()
		t.Source, t.MailAllowed = prober.SourceConfig, true
		before := len(d.Faults.List)
		d.Decode(n, path, &t)
		if t.App != "" {
			if first, dup := lines[t.App]; dup {
				d.Faults.Add(strictyaml.LineOf(n, "app", n.Line), path+".app", "%q is given twice, first on line %d", t.App, first)
			} else {
				lines[t.App] = strictyaml.LineOf(n, "app", n.Line)
			}
		}
		if n.Kind != yaml.MappingNode && len(d.Faults.List) > before {
			continue
		}
		for _, fault := range t.Validate(prober.FileLimits(), doc.kindOf(c)) {
			if d.Faults.Near(strictyaml.Join(path, fault.Path), before) {
				continue // a value of the wrong type is not out of range as well
			}
			d.Faults.Add(strictyaml.LineOf(n, fault.Path, n.Line), strictyaml.Join(path, fault.Path), "%s", c.withMeant(fault, t.Module))
		}
		if module := c.Modules[t.ModuleName()]; len(d.Faults.List) == before && module.CheckTarget(&t) != nil {
			field := "address"
			if t.URL != "" {
				field = "url"
			}
			d.Faults.Add(strictyaml.LineOf(n, field, n.Line), strictyaml.Join(path, field), "%q is not among the hosts in modules.%s.allow", t.Host(), t.ModuleName())
		}
		targets = append(targets, t)
		known[t.App] = t.DependsOn
		if c := prober.Circle(t.App, func(name string) []string { return known[name] }); c != nil && len(c.Names) > 2 { // itself is found by Validate
			d.Faults.Add(strictyaml.LineOf(n, "depends_on", n.Line), path+".depends_on", "%s", c)
		}
	}
	return targets
}

// kindOf returns the kind of a module by its name, also if something is wrong with it: that is
// said where it stands.
func (doc *document) kindOf(c *Config) func(module string) (prober.Kind, bool) {
	return func(module string) (prober.Kind, bool) {
		kind, ok := c.KindOf(module)
		if n, written := doc.Modules[module]; !ok && written && !n.IsZero() {
			var s struct {
				Prober string `yaml:"prober"`
			}
			_ = n.Decode(&s)
			return prober.Kind(s.Prober), true
		}
		return kind, ok
	}
}

// withMeant is what is wrong with a target, and the module that it may mean.
func (c *Config) withMeant(fault *prober.FieldError, module string) string {
	if fault.Path != "module" {
		return fault.Detail
	}
	return fault.Detail + c.moduleMeant(module)
}

// moduleMeant asks for the module that is much like one that is not there.
func (c *Config) moduleMeant(name string) string {
	return names.DidYouMean(name, slices.Collect(maps.Keys(c.Modules)))
}
