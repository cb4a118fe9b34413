package config

import (
	"fmt"
	"time"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// SourceName is the source of the file's targets.
const SourceName = "config"

// targetSection is one target as it is written.
type targetSection struct {
	App              string             `yaml:"app"`
	URL              string             `yaml:"url"`
	Address          string             `yaml:"address"`
	Module           string             `yaml:"module"`
	Email            string             `yaml:"email"`
	Group            string             `yaml:"group"`
	DependsOn        []string           `yaml:"depends_on"`
	Interval         time.Duration      `yaml:"interval"`
	Timeout          time.Duration      `yaml:"timeout"`
	InitialDelay     *time.Duration     `yaml:"initial_delay"`
	Unhealthy        int                `yaml:"unhealthy"`
	Healthy          int                `yaml:"healthy"`
	DegradedAfter    int                `yaml:"degraded_after"`
	FastStart        bool               `yaml:"fast_start"`
	ValidStatusCodes prober.StatusCodes `yaml:"valid_status_codes"`
	Labels           map[string]string  `yaml:"labels"`
	Paused           bool               `yaml:"paused"`
}

// newTargetSection is what a target is where it says nothing.
func newTargetSection() targetSection {
	t := prober.NewTarget()
	return targetSection{
		Interval: t.Interval, Timeout: t.Timeout, Unhealthy: t.Unhealthy, Healthy: t.Healthy,
	}
}

func (doc *document) targets(d *decoder, c *Config) []prober.Target {
	targets := make([]prober.Target, 0, len(doc.Targets))
	lines := map[string]int{}
	for i := range doc.Targets {
		n, path := &doc.Targets[i], fmt.Sprintf("targets[%d]", i)
		section := newTargetSection()
		before := len(d.Faults.List)
		d.Decode(n, path, &section)
		if section.App != "" {
			if first, dup := lines[section.App]; dup {
				d.Faults.Add(strictyaml.LineOf(n, "app", n.Line), path+".app", "%q is given twice, first on line %d", section.App, first)
			} else {
				lines[section.App] = strictyaml.LineOf(n, "app", n.Line)
			}
		}
		t := section.target()
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
	}
	return targets
}

func moduleWritten(doc *document, name string) bool {
	n, ok := doc.Modules[name]
	return ok && !n.IsZero()
}

func (s *targetSection) target() prober.Target {
	return prober.Target{
		App: s.App, URL: s.URL, Address: s.Address, Module: s.Module, Email: s.Email, Group: s.Group,
		Labels: s.Labels, DependsOn: s.DependsOn, Interval: s.Interval, Timeout: s.Timeout, InitialDelay: s.InitialDelay,
		Unhealthy: s.Unhealthy, Healthy: s.Healthy, DegradedAfter: s.DegradedAfter, FastStart: s.FastStart,
		StatusCodes: s.ValidStatusCodes, Paused: s.Paused, Source: SourceName, MailAllowed: true,
	}
}
