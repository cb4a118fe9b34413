package checks

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/health-exporter/health_exporter/health"
)

// Memory fails if memory runs out: that of a control group (version 2) which this
// process is in and which has a limit, or that of the machine. It works on Linux.
type Memory struct {
	// MinFree is what must be available, of each of them; WarnFree is that below which
	// there is a warning. Defaults 5 % and none.
	MinFree  Amount `yaml:"min_free"`
	WarnFree Amount `yaml:"warn_free"`
	// Root is where /proc and /sys are found; default "/".
	Root string `yaml:"-"`
}

// memoryUsage is the memory of the machine or of a control group.
type memoryUsage struct {
	where       string
	total, free uint64
}

// Check reports what is wrong with the options.
func (m Memory) Check() error {
	return errors.Join(m.MinFree.fault("MinFree"), m.WarnFree.fault("WarnFree"))
}

// Run reads the kernel's figures once.
func (m Memory) Run(ctx context.Context) error {
	if err := m.Check(); err != nil {
		return err
	}
	all, err := readMemory(root(m.Root))
	if err != nil {
		return fmt.Errorf("reading memory usage: %w", err)
	}
	tight := all[0]
	for _, u := range all[1:] {
		if share(u.free, u.total) < share(tight.free, tight.total) {
			tight = u
		}
	}
	health.Observe(ctx, "available", tight.free, "bytes")
	health.Observe(ctx, "limit", tight.total, "bytes")
	health.Observe(ctx, "utilization", 100-share(tight.free, tight.total), "percent")
	for _, u := range all {
		if m.MinFree.or(Percent(5)).undercut(u.free, u.total) {
			return errors.New(u.String())
		}
	}
	for _, u := range all {
		if m.WarnFree.undercut(u.free, u.total) {
			return health.Warning(errors.New(u.String()))
		}
	}
	health.Say(ctx, tight.String())
	return nil
}

func (u memoryUsage) String() string {
	return fmt.Sprintf("%s of %s memory available (%.1f %%) %s", size(u.free), size(u.total), share(u.free, u.total), u.where)
}

// readMemory reads the usage of control groups that have a limit, then that of the
// machine. There is at least one if there is no error.
func readMemory(r root) ([]memoryUsage, error) {
	var all []memoryUsage
	for _, folder := range r.cgroups() {
		if u, ok := readCgroupMemory(r, folder); ok {
			all = append(all, u)
		}
	}
	text, err := r.read("proc/meminfo")
	if err != nil {
		if len(all) > 0 {
			return all, nil
		}
		return nil, err
	}
	u := memoryUsage{where: "on this machine"}
	fields := kernelFields(text)
	u.total, u.free = fields["MemTotal:"]*1024, fields["MemAvailable:"]*1024
	if _, ok := fields["MemAvailable:"]; !ok || u.total == 0 {
		return nil, errors.New("/proc/meminfo does not have MemTotal and MemAvailable")
	}
	return append(all, u), nil
}

// readCgroupMemory reads the usage of one control group; not ok if it has no
// limit. Pages of files that were not used lately count as available, since the
// kernel drops them before it kills.
func readCgroupMemory(r root, folder string) (u memoryUsage, ok bool) {
	number := func(file string) (uint64, error) {
		text, err := r.read(path.Join(folder, file))
		if err != nil {
			return 0, err
		}
		return strconv.ParseUint(text, 10, 64) // not of "max", which is not a limit
	}
	limit, err := number("memory.max")
	if err != nil || limit == 0 {
		return u, false
	}
	used, err := number("memory.current")
	if err != nil {
		return u, false
	}
	stat, _ := r.read(path.Join(folder, "memory.stat")) // without it all pages count as used
	used -= min(used, kernelFields(stat)["inactive_file"])
	return memoryUsage{where: "in the control group", total: limit, free: limit - min(limit, used)}, true
}

// kernelFields reads lines of a name and a number, and perhaps more.
func kernelFields(text string) map[string]uint64 {
	fields := map[string]uint64{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		if n, err := strconv.ParseUint(words[1], 10, 64); err == nil {
			fields[words[0]] = n
		}
	}
	return fields
}
