package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/names"
	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// document is the file as it is written.
type document struct {
	Options      map[string]yaml.Node `yaml:"options"`
	Modules      map[string]yaml.Node `yaml:"modules"`
	ModulesFiles []yaml.Node          `yaml:"modules_files"`
	Targets      []yaml.Node          `yaml:"targets"`
	Discovery    discoverySection     `yaml:"discovery"`
	Checks       []yaml.Node          `yaml:"checks"`
	Registration registrationSection  `yaml:"registration"`
	Access       accessSection        `yaml:"access"`
	Network      networkSection       `yaml:"network"`
	Environment  environmentSection   `yaml:"environment"`
	Alerting     alertingSection      `yaml:"alerting"`
	Maintenance  []yaml.Node          `yaml:"maintenance"`
	Public       *publicSection       `yaml:"public"`
	Metrics      metricsSection       `yaml:"metrics"`
}

// Default is the configuration without a file.
func Default() *Config {
	c, err := parse("", nil)
	if err != nil {
		panic(fmt.Sprintf("the built-in configuration is invalid: %s", err))
	}
	return c
}

// Load reads and validates a file. The error is a *strictyaml.Faults naming every fault,
// or says why the file cannot be read.
func Load(path string) (*Config, error) {
	f, err := Read(path)
	if err != nil {
		return nil, err
	}
	return f.Load()
}

func parse(path string, text []byte) (*Config, error) {
	return (&File{path: path, text: text, sums: map[string][sha256.Size]byte{}}).parse()
}

// parse validates a whole file; all faults come back in one error.
func (f *File) parse() (*Config, error) {
	faults := &strictyaml.Faults{File: f.path}
	d := newDecoder(faults)
	d.userAgent = f.UserAgent
	var doc document
	doc.Registration.setDefaults()
	root, ok := strictyaml.Parse(f.text, faults)
	f.blank, f.empty = ok && strictyaml.Blank(root), map[string]bool{}
	if ok && root != nil {
		d.Decode(root, "", &doc)
	}
	c := &Config{File: f.path, root: root}
	c.Options = doc.options(faults)
	c.Modules = doc.modules(d, c, f)
	c.Registration = doc.Registration.build(d)
	c.Access = doc.Access.build(&c.Registration, d)
	c.Network = doc.Network.build(d)
	c.Environment = doc.Environment.build(faults)
	c.Alerting = doc.Alerting.build(d)
	c.Maintenance = doc.maintenance(d)
	c.Public = doc.Public.build(faults)
	c.Metrics = doc.Metrics.build(faults)
	c.Targets = doc.targets(d, c)
	c.Discovery.Jobs = doc.Discovery.jobs(d, &doc, c)
	c.Discovery.MDNS = doc.Discovery.MDNS.build(d, c)
	c.Checks = doc.checks(d)
	c.root, c.warnings = nil, d.warnings
	if ok && root != nil {
		refuseUnprintable(root, "", faults)
	}
	for i := range faults.List { // of what is not there, and so has no line of its own
		if f := &faults.List[i]; f.Line == 0 {
			f.Line = strictyaml.LineOf(root, f.Path, 0)
		}
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	c.unknown, c.dropped = doc.unknownNames(c, root), doc.Metrics.dropped()
	return c, nil
}

func (doc *document) options(faults *strictyaml.Faults) map[string]string {
	options := make(map[string]string, len(doc.Options))
	for name, n := range doc.Options {
		if n.Kind != yaml.ScalarNode {
			faults.Add(n.Line, "options."+name, "must be a single value, not %s", strictyaml.Found(&n))
			continue
		}
		options[name] = n.Value
	}
	return options
}

// builtinModules are there without being written down; a file may redefine them.
const builtinModules = `
health: {prober: health}
http_2xx: {prober: http}
http_post_2xx: {prober: http, http: {method: POST}}
tcp_connect: {prober: tcp}
icmp: {prober: icmp}
grpc: {prober: grpc, grpc: {tls: true}}
grpc_plain: {prober: grpc, grpc: {}}
`

// moduleSection is one module as it is written: the options of each kind stand
// in a block of their own, and blocks of other kinds are checked and ignored.
type moduleSection struct {
	Prober  string               `yaml:"prober"`
	Timeout time.Duration        `yaml:"timeout"`
	Allow   []yaml.Node          `yaml:"allow"`
	Blocks  map[string]yaml.Node `yaml:",inline"`
}

func (doc *document) modules(d *decoder, c *Config, f *File) map[string]*prober.Module {
	modules := map[string]*prober.Module{}
	var builtin map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(builtinModules), &builtin); err != nil {
		panic(fmt.Sprintf("built-in modules: %s", err))
	}
	for name, n := range builtin {
		modules[name] = decodeModule(d, "built-in module "+name, &n)
	}
	c.moduleNodes = doc.Modules
	for name, n := range doc.Modules {
		if m := decodeModule(d, "modules."+name, &n); m != nil {
			modules[name] = m
		}
	}
	doc.includeModules(d, c, f, modules)
	return modules
}

func decodeModule(d *decoder, path string, n *yaml.Node) *prober.Module {
	if n.IsZero() {
		return nil // a name and nothing else is not a module, as in blackbox_exporter
	}
	var s moduleSection
	before := len(d.Faults.List)
	d.Decode(n, path, &s)
	if n.Kind != yaml.MappingNode {
		return nil
	}
	if !d.Faults.Near(path+".prober", before) && !slices.Contains(prober.Kinds(), s.Prober) {
		d.Faults.Add(strictyaml.LineOf(n, "prober", n.Line), path+".prober", "%q is not a kind of probe, must be one of %s%s",
			s.Prober, strings.Join(prober.Kinds(), ", "), names.DidYouMean(s.Prober, prober.Kinds()))
	}
	if s.Timeout < 0 {
		d.warn(strictyaml.LineOf(n, "timeout", n.Line), path+".timeout", "is %s, which bounds nothing, as in blackbox_exporter; must be 0s for no bound, or more", s.Timeout)
	}
	allow := readAll(d, s.Allow, path+".allow", prober.ParseNetworkRule)
	if s.Allow != nil && len(s.Allow) == 0 {
		d.Faults.Add(strictyaml.LineOf(n, "allow", n.Line), path+".allow", "names no host; omit it if every host is meant")
	}
	var module *prober.Module
	for kind, block := range s.Blocks {
		if !slices.Contains(prober.Kinds(), kind) {
			d.Faults.Add(strictyaml.LineOf(n, kind, n.Line), strictyaml.Join(path, kind), "unknown key%s",
				names.DidYouMean(kind, append(prober.Kinds(), "prober", "timeout", "allow")))
			continue
		}
		m := newModule(d, path, kind, prober.ModuleSource{Timeout: s.Timeout, Allow: allow}, &block)
		if kind == s.Prober {
			module = m
		}
	}
	if _, hasBlock := s.Blocks[s.Prober]; !hasBlock && slices.Contains(prober.Kinds(), s.Prober) {
		return newModule(d, path, s.Prober, prober.ModuleSource{Timeout: s.Timeout, Allow: allow}, nil)
	}
	return module
}

// newModule makes a module of one block; nil for a block that is not there.
func newModule(d *decoder, path, kind string, src prober.ModuleSource, block *yaml.Node) *prober.Module {
	src.Kind = prober.Kind(kind)
	line := 0
	if block != nil {
		line = block.Line
		src.Text = contentOf(block)
		src.Decode = func(into any) error {
			d.Decode(block, strictyaml.Join(path, kind), into)
			return nil // what is wrong with the rest is looked for, too
		}
	}
	src.UserAgent = d.userAgent
	before := len(d.Faults.List)
	m, err := prober.NewModule(src)
	d.report(err, path, kind, line, block, before)
	if len(d.Faults.List) > before {
		return nil
	}
	return m
}

// contentOf is what a node says, with what its aliases stand for, whose anchors
// may change elsewhere.
func contentOf(n *yaml.Node) []byte {
	var content any
	if n.Decode(&content) != nil {
		content = n // it is about to be refused
	}
	text, err := yaml.Marshal(content)
	if err != nil {
		return nil
	}
	return text
}

// report lists the faults that a module found in its block, but for those of keys that
// could not even be read.
func (d *decoder) report(err error, path, kind string, line int, block *yaml.Node, before int) {
	if err == nil {
		return
	}
	for _, each := range unjoin(err) {
		field, ok := errors.AsType[*prober.FieldError](each)
		switch at := strictyaml.Join(path, kind); {
		case !ok:
			d.Faults.Add(line, at, "%s", each)
		case !d.Faults.Near(strictyaml.Join(at, field.Path), before):
			d.Faults.Add(strictyaml.LineOf(block, field.Path, line), strictyaml.Join(at, field.Path), "%s", field.Detail)
		}
	}
}

// unjoin lists the errors that errors.Join has put together.
func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, each := range joined.Unwrap() {
			all = append(all, unjoin(each)...)
		}
		return all
	}
	return []error{err}
}
