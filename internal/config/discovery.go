package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/relabel"
	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// Discovery says where to look for more targets.
type Discovery struct {
	// Jobs look by Prometheus' own mechanisms.
	Jobs []DiscoveryJob
	// MDNS is what to browse the local network for; nil for nothing.
	MDNS *MDNS
}

// DiscoveryJob is one entry of discovery.jobs.
type DiscoveryJob struct {
	// Name identifies the job.
	Name string
	// Mechanisms are where to look.
	Mechanisms []DiscoveryMechanism
	// Relabel are Prometheus' rules for what is found.
	Relabel []*relabel.Config
	// Defaults are what a target is that says nothing else.
	Defaults prober.Target
	// MaxTargets bounds the targets of each mechanism.
	MaxTargets int
}

// DiscoveryMechanism is one way to look, with all its configurations in the job.
type DiscoveryMechanism struct {
	// Name is "file_sd", "http_sd", …
	Name    string
	Configs []DiscoveryConfig
}

// DiscoveryConfig is what Prometheus' code needs to know.
type DiscoveryConfig struct {
	discovery.Config
	// Text is equal for two that are the same.
	Text string
}

// Bounds of discovery.jobs[].max_targets.
const (
	DefaultDiscoveredTargets = 10_000
	maxDiscoveredTargets     = 100_000
)

type discoverySection struct {
	Jobs []yaml.Node  `yaml:"jobs"`
	MDNS *mdnsSection `yaml:"mdns"`
}

// jobSection is one job as it is written.
type jobSection struct {
	Name       string      `yaml:"name"`
	Static     []yaml.Node `yaml:"static_configs"`
	File       []yaml.Node `yaml:"file_sd_configs"`
	HTTP       []yaml.Node `yaml:"http_sd_configs"`
	DNS        []yaml.Node `yaml:"dns_sd_configs"`
	Kubernetes []yaml.Node `yaml:"kubernetes_sd_configs"`
	Consul     []yaml.Node `yaml:"consul_sd_configs"`
	Relabel    []yaml.Node `yaml:"relabel_configs"`
	MaxTargets int         `yaml:"max_targets"`

	// Target is what each target of the job is that says nothing else.
	prober.Target `yaml:",inline"`
}

// notOfJobs are the keys of a target that a job cannot give to all of its own.
var notOfJobs = []string{"app", "url", "address", "paused"}

// newJobSection is what a job, and each of its targets, is where it says nothing.
func newJobSection() jobSection {
	return jobSection{Target: prober.NewTarget(), MaxTargets: DefaultDiscoveredTargets}
}

func (s *discoverySection) jobs(d *decoder, doc *document, c *Config) []DiscoveryJob {
	list := make([]DiscoveryJob, 0, len(s.Jobs))
	lines := map[string]int{}
	for i := range s.Jobs {
		n, at := &s.Jobs[i], fmt.Sprintf("discovery.jobs[%d]", i)
		section := newJobSection()
		before := len(d.Faults.List)
		d.Decode(n, at, &section)
		line := strictyaml.LineOf(n, "name", n.Line)
		switch first, dup := lines[section.Name]; {
		case d.Faults.Has(at+".name", before):
		case section.Name == "":
			d.Faults.Add(line, at+".name", "is required")
		case dup:
			d.Faults.Add(line, at+".name", "%q is given twice, first on line %d", section.Name, first)
		case utf8.RuneCountInString(section.Name) > 128 || strings.ContainsFunc(section.Name, prober.NotPrintable):
			d.Faults.Add(line, at+".name", "must be printable and have at most 128 characters")
		default:
			lines[section.Name] = line
		}
		if section.MaxTargets < 1 || section.MaxTargets > maxDiscoveredTargets {
			d.Faults.Add(strictyaml.LineOf(n, "max_targets", n.Line), at+".max_targets", "must be between 1 and %d", maxDiscoveredTargets)
		}
		list = append(list, DiscoveryJob{
			Name: section.Name, Mechanisms: section.mechanisms(d, n, at, c.File), Relabel: relabelRules(d, section.Relabel, n, at),
			Defaults: section.defaults(d, n, at, doc, c), MaxTargets: section.MaxTargets,
		})
	}
	return list
}

// defaults are the part of a target that a job gives.
func (s *jobSection) defaults(d *decoder, n *yaml.Node, at string, doc *document, c *Config) prober.Target {
	t := s.Target
	given := map[string]bool{"app": t.App != "", "url": t.URL != "", "address": t.Address != "", "paused": t.Paused} // by a merge, too
	for _, key := range notOfJobs {
		if key == "paused" && !t.Paused {
			continue // says nothing
		}
		if line := strictyaml.LineOf(n, key, 0); line != 0 || given[key] {
			d.Faults.Add(cmp.Or(line, n.Line), strictyaml.Join(at, key), "unknown key: a job says what its targets have in common")
		}
	}
	t.App, t.URL, t.Address, t.Paused = "", "", "", false
	example := t
	example.App, example.URL = "example", "http://example.org"
	for _, fault := range example.Validate(prober.FileLimits(), doc.kindOf(c)) {
		if fault.Path != "url" && !d.Faults.Near(strictyaml.Join(at, fault.Path), 0) {
			d.Faults.Add(strictyaml.LineOf(n, fault.Path, n.Line), strictyaml.Join(at, fault.Path), "%s", c.withMeant(fault, t.Module))
		}
	}
	t.Email = example.Email // the domain is in lower case
	return t
}

// mechanisms are all ways to look that the job names, at least one.
func (s *jobSection) mechanisms(d *decoder, n *yaml.Node, at, file string) []DiscoveryMechanism {
	dir := filepath.Dir(file)
	var list []DiscoveryMechanism
	given := s.static(d, at)
	if len(given.Configs) > 0 {
		list = append(list, given)
	}
	some := len(s.Static) > 0
	for _, m := range []struct {
		name, tag string
		make      func() discovery.Config // gives nil if left out of this program
		nodes     []yaml.Node
	}{
		{"file_sd", "", newFileSD, s.File},
		{"http_sd", "", newHTTPSD, s.HTTP},
		{"dns_sd", "", newDNSSD, s.DNS},
		{"kubernetes_sd", "kubernetes", newKubernetesSD, s.Kubernetes},
		{"consul_sd", "consul", newConsulSD, s.Consul},
	} {
		key := m.name + "_configs"
		if len(m.nodes) == 0 {
			continue
		}
		some = true
		if m.make() == nil {
			d.Faults.Add(strictyaml.LineOf(n, key, n.Line), strictyaml.Join(at, key),
				"is not built into this program; build it with: go build -tags %s", m.tag)
			continue
		}
		found := DiscoveryMechanism{Name: m.name}
		for i := range m.nodes {
			if m.nodes[i].IsZero() {
				d.Faults.Add(strictyaml.LineOf(n, key, n.Line), fmt.Sprintf("%s.%s[%d]", at, key, i), "must not be empty")
				continue
			}
			if c, ok := mechanism(d, &m.nodes[i], fmt.Sprintf("%s.%s[%d]", at, key, i), dir, m.make()); ok {
				found.Configs = append(found.Configs, c)
			}
		}
		list = append(list, found)
	}
	if !some {
		d.Faults.Add(n.Line, at, "names no mechanism: give static_configs, file_sd_configs, http_sd_configs, dns_sd_configs, kubernetes_sd_configs or consul_sd_configs")
	}
	return list
}

// mechanism lets Prometheus' type decode itself: strictly, as ours are.
func mechanism(d *decoder, n *yaml.Node, at, dir string, into discovery.Config) (DiscoveryConfig, bool) {
	if !d.Decode(n, at, into) {
		return DiscoveryConfig{}, false
	}
	if every := reflect.ValueOf(into).Elem().FieldByName("RefreshInterval"); every.IsValid() && every.Int() <= 0 {
		d.Faults.Add(strictyaml.LineOf(n, "refresh_interval", n.Line), strictyaml.Join(at, "refresh_interval"),
			"must be more than 0s, not %s", time.Duration(every.Int())) // or Prometheus' code panics
		return DiscoveryConfig{}, false
	}
	if s, ok := into.(promconfig.DirectorySetter); ok {
		s.SetDirectory(dir)
	}
	namedFiles(n, at, dir, d.Faults.Add)
	return DiscoveryConfig{into, dir + "\n" + string(contentOf(n))}, true
}

func (s *jobSection) static(d *decoder, at string) DiscoveryMechanism {
	var groups discovery.StaticConfig
	var text strings.Builder
	for i := range s.Static {
		var g targetgroup.Group
		path := fmt.Sprintf("%s.static_configs[%d]", at, i)
		if !d.Decode(&s.Static[i], path, &g) {
			continue
		}
		if len(g.Targets) == 0 {
			d.Faults.Add(s.Static[i].Line, path+".targets", "is required")
		}
		g.Source = fmt.Sprint(i)
		groups = append(groups, &g)
		text.Write(contentOf(&s.Static[i]))
	}
	if len(groups) == 0 {
		return DiscoveryMechanism{}
	}
	return DiscoveryMechanism{"static_sd", []DiscoveryConfig{{groups, text.String()}}}
}

func relabelRules(d *decoder, nodes []yaml.Node, job *yaml.Node, at string) []*relabel.Config {
	rules := make([]*relabel.Config, 0, len(nodes))
	for i := range nodes {
		n, path := &nodes[i], fmt.Sprintf("%s.relabel_configs[%d]", at, i)
		if n.IsZero() {
			d.Faults.Add(strictyaml.LineOf(job, "relabel_configs", job.Line), path, "must not be empty")
			continue
		}
		var rule relabel.Config
		if !d.Decode(n, path, &rule) {
			continue
		}
		if err := rule.Validate(model.UTF8Validation); err != nil {
			d.Faults.Add(n.Line, path, "%s", err)
			continue
		}
		rules = append(rules, &rule)
	}
	return rules
}
