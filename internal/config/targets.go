package config

import (
	"fmt"

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
		if _, ok := c.KindOf(t.ModuleName()); !ok && moduleWritten(doc, t.ModuleName()) {
			continue // the module's own faults are listed already
		}
		for _, fault := range t.Validate(prober.FileLimits(), c.KindOf) {
			if d.Faults.Has(strictyaml.Join(path, fault.Path), before) {
				continue // a value of the wrong type is not out of range as well
			}
			d.Faults.Add(strictyaml.LineOf(n, fault.Path, n.Line), strictyaml.Join(path, fault.Path), "%s", fault.Detail)
		}
		targets = append(targets, t)
		known[t.App] = t.DependsOn
		if c := prober.Circle(t.App, func(name string) []string { return known[name] }); c != nil && len(c.Names) > 2 { // itself is found by Validate
			d.Faults.Add(strictyaml.LineOf(n, "depends_on", n.Line), path+".depends_on", "%s", c)
		}
	}
	return targets
}

func moduleWritten(doc *document, name string) bool {
	n, ok := doc.Modules[name]
	return ok && !n.IsZero()
}
