package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/health-exporter/health_exporter/health"
)

// Disk fails if a file system runs out of space or inodes, or is mounted
// read-only.
//
// A network file system whose server is gone may hang, and nothing can interrupt
// the system call. Run then returns late; a health.Checker
// reports the timeout and starts no other run before that.
type Disk struct {
	// Path is any path on the file system; default "/".
	Path string `yaml:"path"`
	// MinFree is the space that must be free for unprivileged users, WarnFree that
	// below which there is a warning; defaults 5 % and none.
	MinFree  Amount `yaml:"min_free"`
	WarnFree Amount `yaml:"warn_free"`
	// MinInodes and WarnInodes are the same of inodes; defaults 2 % and none. They do
	// not count on a file system that has no fixed number of them.
	MinInodes  Amount `yaml:"min_inodes"`
	WarnInodes Amount `yaml:"warn_inodes"`
	// AllowReadOnly lets a file system that is mounted read-only pass. The kernel
	// remounts damaged ones read-only.
	AllowReadOnly bool `yaml:"allow_read_only"`
}

// diskUsage is what the system knows of a file system.
type diskUsage struct {
	// total is what is used and what can be, as df counts: without what is reserved
	// for root. Both are in bytes.
	total, free        uint64
	inodes, inodesFree uint64 // 0 and 0 if it has no fixed number of them
	readOnly           bool
}

// Check reports what is wrong with the options.
func (d Disk) Check() error {
	return errors.Join(d.MinFree.fault("MinFree"), d.WarnFree.fault("WarnFree"),
		d.MinInodes.fault("MinInodes"), d.WarnInodes.fault("WarnInodes"))
}

// Run asks the system once.
func (d Disk) Run(ctx context.Context) error {
	if err := d.Check(); err != nil {
		return err
	}
	usage, err := readDisk(cmp.Or(d.Path, "/"))
	if err != nil {
		return fmt.Errorf("reading disk usage: %w", err)
	}
	health.Observe(ctx, "free", usage.free, "bytes")
	health.Observe(ctx, "size", usage.total, "bytes")
	health.Observe(ctx, "utilization", 100-share(usage.free, usage.total), "percent")
	if usage.inodes > 0 {
		health.Observe(ctx, "freeInodes", usage.inodesFree, "inodes")
	}
	return d.judge(ctx, usage)
}

func (d Disk) judge(ctx context.Context, u diskUsage) error {
	path := cmp.Or(d.Path, "/")
	space := fmt.Sprintf("%s: %s of %s free (%.1f %%)", path, size(u.free), size(u.total), share(u.free, u.total))
	inodes := fmt.Sprintf("%s: %d of %d inodes free (%.1f %%)", path, u.inodesFree, u.inodes, share(u.inodesFree, u.inodes))
	switch {
	case u.readOnly && !d.AllowReadOnly:
		return fmt.Errorf("%s is mounted read-only", path)
	case d.MinFree.or(Percent(5)).undercut(u.free, u.total):
		return errors.New(space)
	case u.inodes > 0 && d.MinInodes.or(Percent(2)).undercut(u.inodesFree, u.inodes):
		return errors.New(inodes)
	case d.WarnFree.undercut(u.free, u.total):
		return health.Warning(errors.New(space))
	case u.inodes > 0 && d.WarnInodes.undercut(u.inodesFree, u.inodes):
		return health.Warning(errors.New(inodes))
	}
	health.Say(ctx, space)
	return nil
}
