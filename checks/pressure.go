package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/health-exporter/health_exporter/health"
)

// Pressure fails if tasks lose too much time waiting for processors, memory or
// disks (Linux' pressure stall information): tasks of the control group that this
// process is in, or of the machine if groups have no such figures.
type Pressure struct {
	// Resource is cpu (the default), memory or io.
	Resource string `yaml:"resource"`
	// Max is the most time that may be lost, in percent, and Warn that above which
	// there is a warning; defaults 50 and none.
	Max  float64 `yaml:"max"`
	Warn float64 `yaml:"warn"`
	// Full counts the time in which all tasks waited, instead of some of them.
	Full bool `yaml:"full"`
	// Seconds is over how long is averaged: 10, 60 (the default) or 300.
	Seconds int `yaml:"seconds"`
	// Root is where /proc and /sys are found; default "/".
	Root string `yaml:"-"`
}

// Check reports what is wrong with the options.
func (p Pressure) Check() error {
	return errors.Join(
		require(slices.Contains([]string{"", "cpu", "memory", "io"}, p.Resource), "Resource", p.Resource, "cpu, memory or io"),
		require(p.Max >= 0 && p.Max <= 100, "Max", p.Max, "0 to 100"),
		require(p.Warn >= 0 && p.Warn <= 100, "Warn", p.Warn, "0 to 100"),
		require(slices.Contains([]int{0, 10, 60, 300}, p.Seconds), "Seconds", p.Seconds, "10, 60 or 300"))
}

// Run reads the kernel's figures once.
func (p Pressure) Run(ctx context.Context) error {
	if err := p.Check(); err != nil {
		return err
	}
	resource := cmp.Or(p.Resource, "cpu")
	text, where, err := readPressure(root(p.Root), resource)
	if err != nil {
		return fmt.Errorf("reading the pressure on %s: %w", resource, err)
	}
	lost, err := p.pick(text)
	if err != nil {
		return fmt.Errorf("reading the pressure on %s: %w", resource, err)
	}
	health.Observe(ctx, "pressure", lost, "percent")
	said := fmt.Sprintf("%.1f %% of time lost waiting for %s %s", lost, resource, where)
	switch {
	case lost > cmp.Or(p.Max, 50):
		return errors.New(said)
	case p.Warn > 0 && lost > p.Warn:
		return health.Warning(errors.New(said))
	}
	health.Say(ctx, said)
	return nil
}

// readPressure reads the file of the innermost control group, or of the machine.
func readPressure(r root, resource string) (text, where string, err error) {
	if folders := r.cgroups(); len(folders) > 1 {
		if text, err = r.read(path.Join(folders[0], resource+".pressure")); err == nil {
			return text, "in the control group", nil
		}
	}
	text, err = r.read("proc/pressure/" + resource)
	return text, "on this machine", err
}

// pick reads one average of lines such as
// "some avg10=0.12 avg60=0.05 avg300=0.01 total=123456".
func (p Pressure) pick(text string) (float64, error) {
	kind, key := "some", fmt.Sprintf("avg%d=", cmp.Or(p.Seconds, 60))
	if p.Full {
		kind = "full"
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != kind {
			continue
		}
		for _, word := range words[1:] {
			if value, ok := strings.CutPrefix(word, key); ok {
				return strconv.ParseFloat(value, 64)
			}
		}
	}
	return 0, fmt.Errorf("the kernel does not report %s of %q", strings.TrimSuffix(key, "="), kind)
}
