package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/dnssd"
	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// MDNS says what to browse the local network for. It is immutable.
type MDNS struct {
	// Services are the types to look for, such as _health-check._tcp.
	Services []string
	// Networks are where targets may be; none means those of the interface that a
	// service was heard on.
	Networks []netip.Prefix
	// Interfaces are the names of those to browse and announce on; none means all but
	// those of containers.
	Interfaces []string
	// Modules are those that a service may ask to be probed with.
	Modules []string
	// Builtin are the modules that are used for services which ask for none: without
	// credentials, and following no redirects.
	Builtin map[string]*prober.Module
	// MaxTargets bounds the targets of each type of service.
	MaxTargets int
	// Interval, Timeout, Group and Labels are those of each target.
	Interval, Timeout time.Duration
	Group             string
	Labels            map[string]string
}

// Defaults of discovery by mDNS.
const (
	DefaultMDNSService    = dnssd.HealthCheck
	DefaultMDNSMaxTargets = 64
	maxMDNSTargets        = 10_000
	maxMDNSServices       = 16
	maxMDNSLabels         = 8 // two more are added: service and id
)

// mdnsModules replace those of the same names for targets that were found.
const mdnsModules = `
health: {prober: health, health: {follow_redirects: false}}
http_2xx: {prober: http, http: {follow_redirects: false}}
`

type mdnsSection struct {
	Services   *[]yaml.Node      `yaml:"services"`
	Networks   []yaml.Node       `yaml:"networks"`
	Interfaces []yaml.Node       `yaml:"interfaces"`
	Modules    []yaml.Node       `yaml:"modules"`
	MaxTargets *yaml.Node        `yaml:"max_targets"`
	Interval   *time.Duration    `yaml:"interval"`
	Timeout    *time.Duration    `yaml:"timeout"`
	Group      string            `yaml:"group"`
	Labels     map[string]string `yaml:"labels"`
}

const mdnsPath = "discovery.mdns"

func (s *mdnsSection) build(d *decoder, c *Config) *MDNS {
	if s == nil {
		return nil
	}
	faults := d.Faults
	m := &MDNS{
		Services: []string{DefaultMDNSService}, MaxTargets: DefaultMDNSMaxTargets, Builtin: builtinMDNS(),
		Interval: prober.DefaultInterval, Timeout: prober.DefaultTimeout, Group: s.Group, Labels: s.Labels,
	}
	if s.Interval != nil {
		m.Interval = *s.Interval
	}
	if s.Timeout != nil {
		m.Timeout = *s.Timeout
	}
	if s.Services != nil {
		m.Services = mdnsServices(faults, *s.Services)
	}
	m.Networks = d.networks(s.Networks, mdnsPath+".networks")
	m.Interfaces = distinct(faults, s.Interfaces, "interfaces", func(name string) (string, error) {
		if name == "" || len(name) > 15 || strings.ContainsAny(name, "/ ") {
			return "", fmt.Errorf("%q is not a valid name of a network interface, such as eth0", name)
		}
		return name, nil
	})
	m.Modules = distinct(faults, s.Modules, "modules", func(name string) (string, error) {
		if _, ok := c.KindOf(name); !ok {
			return "", fmt.Errorf("there is no module %q%s", name, c.moduleMeant(name))
		}
		return name, nil
	})
	s.maxTargets(faults, m)
	s.example(faults, m, c)
	return m
}

// builtinMDNS are the modules for services that ask for none.
func builtinMDNS() map[string]*prober.Module {
	var nodes map[string]yaml.Node
	faults := &strictyaml.Faults{}
	modules := map[string]*prober.Module{}
	if err := yaml.Unmarshal([]byte(mdnsModules), &nodes); err != nil {
		panic(fmt.Sprintf("modules of discovery: %s", err))
	}
	for name, n := range nodes {
		modules[name] = decodeModule(newDecoder(faults), name, &n)
	}
	if err := faults.Err(); err != nil {
		panic(fmt.Sprintf("modules of discovery: %s", err))
	}
	return modules
}

func mdnsServices(faults *strictyaml.Faults, nodes []yaml.Node) []string {
	list := distinct(faults, nodes, "services", dnssd.ParseType)
	if len(list) > maxMDNSServices {
		faults.Add(nodes[0].Line, mdnsPath+".services", "are %d, at most %d are allowed", len(list), maxMDNSServices)
	}
	if len(nodes) == 0 {
		faults.Add(0, mdnsPath+".services", "must not be empty; leave it out for %s", DefaultMDNSService)
	}
	return list
}

// distinct is a list of texts, each of which can be read and is there once.
func distinct(faults *strictyaml.Faults, nodes []yaml.Node, key string, read func(string) (string, error)) []string {
	var list []string
	for i := range nodes {
		n := &nodes[i]
		if n.Kind != yaml.ScalarNode {
			faults.Add(n.Line, mdnsPath+"."+key, "must be a text, not %s", strictyaml.Found(n))
			continue
		}
		value, err := read(n.Value)
		if err != nil {
			faults.Add(n.Line, mdnsPath+"."+key, "%s", err)
			continue
		}
		if slices.Contains(list, value) {
			faults.Add(n.Line, mdnsPath+"."+key, "%q is given twice", n.Value)
			continue
		}
		list = append(list, value)
	}
	return list
}

func (s *mdnsSection) maxTargets(faults *strictyaml.Faults, m *MDNS) {
	if s.MaxTargets == nil {
		return
	}
	if err := s.MaxTargets.Decode(&m.MaxTargets); err != nil || m.MaxTargets < 1 || m.MaxTargets > maxMDNSTargets {
		faults.Add(s.MaxTargets.Line, mdnsPath+".max_targets", "must be a whole number from 1 to %d, not %s", maxMDNSTargets, strictyaml.Found(s.MaxTargets))
	}
}

// example finds what would be wrong with every target.
func (s *mdnsSection) example(faults *strictyaml.Faults, m *MDNS, c *Config) {
	t := prober.NewTarget()
	t.App, t.URL = "example", "http://10.0.0.1"
	t.Interval, t.Timeout, t.Group, t.Labels = m.Interval, m.Timeout, m.Group, m.Labels
	line := func(key string) int {
		if c.root == nil {
			return 0
		}
		return strictyaml.LineOf(c.root, mdnsPath+"."+key, 0)
	}
	for _, fault := range t.Validate(prober.FileLimits(), func(string) (prober.Kind, bool) { return m.Builtin[prober.DefaultModule].Kind(), true }) {
		faults.Add(line(fault.Path), strictyaml.Join(mdnsPath, fault.Path), "%s", fault.Detail)
	}
	for _, name := range []string{"service", "id"} {
		if _, given := m.Labels[name]; given {
			faults.Add(line("labels."+name), mdnsPath+".labels."+name, "is filled in by discovery itself")
		}
	}
	if len(m.Labels) > maxMDNSLabels {
		faults.Add(line("labels"), mdnsPath+".labels", "are %d, at most %d are allowed", len(m.Labels), maxMDNSLabels)
	}
}
