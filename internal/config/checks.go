package config

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/names"
	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// Check is an in-process check of the exporter.
type Check struct {
	// Check is complete but for Run, which Open makes. Its Interval is how often it is
	// run by the schedule.
	health.Check
	// Kind is what is looked at.
	Kind string
	// Fingerprint is equal for checks that look at the same in the same way.
	Fingerprint string
	// Open makes ready what the check needs. other runs another check by its name, if
	// what is known of it is too old.
	Open func(other OtherCheck) (OpenCheck, error)

	section *checkSection // as it is decoded, for who shows it
	options checkKind
}

// OtherCheck returns the status of a check by its name.
type OtherCheck = func(ctx context.Context, name string) (*health.Status, bool)

// OpenCheck is a check that can be run.
type OpenCheck struct {
	Run func(context.Context) error
	// Close gives back what was opened; nil if that is nothing.
	Close func() error
	// Heartbeat is set if the check waits for beats.
	Heartbeat *checks.Heartbeat
}

// checkSection are the keys that all checks have.
type checkSection struct {
	Name          string          `yaml:"name"`
	Kind          string          `yaml:"kind"`
	Interval      time.Duration   `yaml:"interval"`
	Timeout       time.Duration   `yaml:"timeout"`
	InitialDelay  time.Duration   `yaml:"initial_delay"`
	SuccessTTL    time.Duration   `yaml:"success_ttl"`
	FailedTTL     time.Duration   `yaml:"failed_ttl"`
	Unhealthy     int             `yaml:"unhealthy"`
	Healthy       int             `yaml:"healthy"`
	DegradedAfter int             `yaml:"degraded_after"`
	FastStart     bool            `yaml:"fast_start"`
	Severity      health.Severity `yaml:"severity"`
	Groups        []string        `yaml:"groups"`
	DependsOn     []string        `yaml:"depends_on"`
	Hidden        bool            `yaml:"hidden"`

	Options map[string]yaml.Node `yaml:",inline"` // those of the kind
}

// checksGroup is the group of checks that name none: what they look at must not make
// the exporter itself unready, for then nobody would hear of it.
const checksGroup = "checks"

// reservedChecks begins the names of the exporter's own checks.
const reservedChecks = "exporter-"

func (doc *document) checks(d *decoder) []Check {
	var list []Check
	lines := map[string]int{}
	for i := range doc.Checks {
		n, path := &doc.Checks[i], fmt.Sprintf("checks[%d]", i)
		check, ok := d.check(n, path)
		if !ok {
			continue
		}
		nameLine := strictyaml.LineOf(n, "name", n.Line)
		if first, dup := lines[check.Name]; dup && check.Name != "" {
			d.Faults.Add(nameLine, path+".name", "%q is given twice, first on line %d", check.Name, first)
		}
		lines[check.Name] = nameLine
		list = append(list, check)
	}
	d.relationFaults(writtenChecks(doc.Checks))
	return list
}

// check decodes one check. It is not ok if it makes no sense to look at it further.
func (d *decoder) check(n *yaml.Node, path string) (c Check, ok bool) {
	s := checkSection{
		Interval: prober.DefaultInterval, Timeout: health.DefaultCheckTimeout,
		SuccessTTL: health.DefaultPassTTL, FailedTTL: health.DefaultFailTTL,
		Unhealthy: 2, Healthy: 2, Groups: []string{checksGroup},
	}
	before := len(d.Faults.List)
	d.Decode(n, path, &s)
	d.checkFigures(n, path, &s, before)
	of, known := checkKinds[s.Kind]
	if !known {
		if !d.Faults.Near(path+".kind", before) && (n.Kind == yaml.MappingNode || len(d.Faults.List) == before) {
			kinds := slices.Sorted(maps.Keys(checkKinds))
			d.Faults.Add(strictyaml.LineOf(n, "kind", n.Line), path+".kind", "%q is not a kind of check, must be one of %s%s",
				s.Kind, strings.Join(kinds, ", "), names.DidYouMean(s.Kind, kinds))
		}
		c = s.check()
		d.libraryFaults(&c, n, path)
		return c, false
	}
	kind := of.fresh()
	d.options(n, path, s.Options, kind)
	d.optionFaults(n, path, kind, before)
	if len(d.Faults.List) == before {
		namedFiles(n, path, "", d.warn) // they are read anew each time, so that they may come later
	}
	c = s.check()
	c.Remote, c.Open = of.remote, kind.open
	d.libraryFaults(&c, n, path)
	c.Fingerprint = fingerprintOf(n)
	c.section, c.options = &s, kind
	c.section.Options = nil // they are those of the kind
	return c, true
}

// options decodes the keys of the kind, strictly.
func (d *decoder) options(n *yaml.Node, path string, options map[string]yaml.Node, into checkKind) {
	node := &yaml.Node{Kind: yaml.MappingNode, Line: n.Line}
	for _, key := range slices.Sorted(maps.Keys(options)) {
		value := options[key]
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key, Line: strictyaml.LineOf(n, key, value.Line)}, &value)
	}
	d.Decode(node, path, into)
}

func (d *decoder) checkFigures(n *yaml.Node, path string, s *checkSection, before int) {
	limits := prober.FileLimits()
	fault := func(key, format string, args ...any) {
		if !d.Faults.Near(strictyaml.Join(path, key), before) {
			d.Faults.Add(strictyaml.LineOf(n, key, n.Line), strictyaml.Join(path, key), format, args...)
		}
	}
	span := func(key string, value time.Duration, least, most time.Duration) {
		if v := value; v < least || v > most {
			fault(key, "must be between %s and %s, not %s", least, most, v)
		}
	}
	count := func(key string, value int) {
		if value < limits.MinThreshold || value > limits.MaxThreshold {
			fault(key, "must be between %d and %d, not %d", limits.MinThreshold, limits.MaxThreshold, value)
		}
	}
	span("interval", s.Interval, limits.MinInterval, limits.MaxInterval)
	span("timeout", s.Timeout, limits.MinTimeout, limits.MaxTimeout)
	span("initial_delay", s.InitialDelay, 0, limits.MaxInitialDelay)
	span("success_ttl", s.SuccessTTL, 0, limits.MaxInterval)
	span("failed_ttl", s.FailedTTL, 0, limits.MaxInterval)
	count("unhealthy", s.Unhealthy)
	count("healthy", s.Healthy)
	if s.DegradedAfter != 0 && (s.DegradedAfter < 1 || s.DegradedAfter >= max(s.Unhealthy, 2)) {
		fault("degraded_after", "must be at least 1 and less than unhealthy (%d), not %d", s.Unhealthy, s.DegradedAfter)
	}
	if strings.HasPrefix(s.Name, reservedChecks) {
		fault("name", "%q: names that begin with %s are the exporter's own", s.Name, reservedChecks)
	}
}

// optionFaults lists what a kind finds wrong with its options, but for those that could not
// even be read.
func (d *decoder) optionFaults(n *yaml.Node, path string, kind checkKind, before int) {
	err := kind.check()
	if err == nil {
		return
	}
	for _, each := range unjoin(err) {
		option, ok := errors.AsType[*checks.OptionError](each)
		if !ok {
			d.Faults.Add(n.Line, path, "%s", each)
			continue
		}
		key := keyOf(reflect.TypeOf(kind), option.Field)
		if d.Faults.Near(strictyaml.Join(path, key), before) {
			continue
		}
		detail := strings.TrimPrefix(option.Error(), option.Field+" ")
		d.Faults.Add(strictyaml.LineOf(n, key, n.Line), strictyaml.Join(path, key), "%s", detail)
	}
}

// check is the section as a value.
func (s *checkSection) check() Check {
	return Check{
		Check: health.Check{
			Name: s.Name, Timeout: s.Timeout, InitialDelay: s.InitialDelay, Interval: s.Interval,
			MaxAge: 3*s.Interval + s.Timeout, Severity: s.Severity, Groups: s.Groups, DependsOn: s.DependsOn,
			Hidden: s.Hidden, PassTTL: ttl(s.SuccessTTL, health.DefaultPassTTL), FailTTL: ttl(s.FailedTTL, health.DefaultFailTTL),
			Thresholds: health.Thresholds{
				Unhealthy: s.Unhealthy, Healthy: s.Healthy, DegradedAfter: s.DegradedAfter, FastStart: s.FastStart,
			},
		},
		Kind: s.Kind,
	}
}

// ttl is as package health writes it, for which zero is the default.
func ttl(given, usual time.Duration) time.Duration {
	switch given {
	case usual:
		return 0
	case 0:
		return -1
	}
	return given
}

// fingerprintOf is that of what is written.
func fingerprintOf(n *yaml.Node) string {
	text, err := yaml.Marshal(n)
	if err != nil {
		return "" // it is like no other
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
