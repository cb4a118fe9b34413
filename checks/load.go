package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/health-exporter/health_exporter/health"
)

// Load fails if too many tasks wait for a processor or a disk: the load average of
// the machine for each of its processors. It works on Linux.
//
// In a container this is still the load of the whole machine, and so are the
// processors it is divided by; Pressure is about the container alone.
type Load struct {
	// Max is the most the load may be for each processor, Warn that above which there
	// is a warning; defaults 4 and none.
	Max  float64 `yaml:"max"`
	Warn float64 `yaml:"warn"`
	// Minutes is over how long the load is averaged: 1, 5 (the default) or 15.
	Minutes int `yaml:"minutes"`
	// Root is where /proc is found; default "/".
	Root string `yaml:"-"`
}

// Check reports what is wrong with the options.
func (l Load) Check() error {
	minutes := cmp.Or(l.Minutes, 5)
	return errors.Join(
		require(l.Max >= 0, "Max", l.Max, "0 for the default, or more"),
		require(l.Warn >= 0, "Warn", l.Warn, "0 for none, or more"),
		require(minutes == 1 || minutes == 5 || minutes == 15, "Minutes", l.Minutes, "1, 5 or 15"))
}

// Run reads the kernel's figures once.
func (l Load) Run(ctx context.Context) error {
	if err := l.Check(); err != nil {
		return err
	}
	load, processors, err := l.read()
	if err != nil {
		return fmt.Errorf("reading the load: %w", err)
	}
	each := load / float64(processors)
	health.Observe(ctx, "load", load, "tasks")
	health.Observe(ctx, "loadPerProcessor", each, "tasks")
	text := fmt.Sprintf("load %.2f on %d processors", load, processors)
	switch {
	case each > cmp.Or(l.Max, 4):
		return errors.New(text)
	case l.Warn > 0 && each > l.Warn:
		return health.Warning(errors.New(text))
	}
	health.Say(ctx, text)
	return nil
}

func (l Load) read() (load float64, processors int, err error) {
	text, err := root(l.Root).read("proc/loadavg")
	if err != nil {
		return 0, 0, err
	}
	words := strings.Fields(text)
	column := map[int]int{1: 0, 5: 1, 15: 2}[cmp.Or(l.Minutes, 5)]
	if column >= len(words) {
		return 0, 0, fmt.Errorf("/proc/loadavg is %q", text)
	}
	if load, err = strconv.ParseFloat(words[column], 64); err != nil {
		return 0, 0, fmt.Errorf("/proc/loadavg: %w", err)
	}
	if text, err = root(l.Root).read("proc/stat"); err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(text) {
		if len(line) > 3 && strings.HasPrefix(line, "cpu") && line[3] != ' ' {
			processors++
		}
	}
	if processors == 0 {
		return 0, 0, errors.New("/proc/stat names no processor")
	}
	return load, processors, nil
}
