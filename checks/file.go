package checks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/names"
)

// File fails if a file is missing, too old, too small or does not have the content
// it should have: backups, exports, what cron jobs leave behind.
type File struct {
	// Path is a file, or a pattern as filepath.Match has it. Of several files that
	// match the newest counts. Required.
	Path string `yaml:"path"`
	// MaxAge is how long ago the file may have been written, WarnAge that above which
	// there is a warning; 0 means no limit.
	MaxAge  time.Duration `yaml:"max_age"`
	WarnAge time.Duration `yaml:"warn_age"`
	// MinSize and MaxSize bound the size in bytes; 0 means no bound.
	MinSize int64 `yaml:"min_size"`
	MaxSize int64 `yaml:"max_size"`
	// Match must match somewhere in the first 64 KiB, if set.
	Match *regexp.Regexp `yaml:"match"`
}

// fileLimit is how much of a file Match looks at.
const fileLimit = 64 << 10

// Check reports what is wrong with the options.
func (f File) Check() error {
	return errors.Join(
		require(f.Path != "", "Path", f.Path, "a path or a pattern of paths"),
		require(f.MaxAge >= 0, "MaxAge", f.MaxAge, "0 for no limit, or more"),
		require(f.WarnAge >= 0, "WarnAge", f.WarnAge, "0 for no limit, or more"),
		require(f.MinSize >= 0, "MinSize", f.MinSize, "0 or more"),
		require(f.MaxSize == 0 || f.MaxSize >= f.MinSize, "MaxSize", f.MaxSize, "0 for no bound, or MinSize at least"))
}

// Run looks once.
func (f File) Run(ctx context.Context) error {
	if err := f.Check(); err != nil {
		return err
	}
	path, info, err := newest(f.Path)
	if err != nil {
		return err
	}
	age := time.Since(info.ModTime())
	health.Observe(ctx, "age", age.Seconds(), "seconds")
	health.Observe(ctx, "size", info.Size(), "bytes")
	old := fmt.Sprintf("%s was written %s ago", path, age.Round(time.Second))
	switch {
	case f.MaxAge > 0 && age > f.MaxAge:
		return fmt.Errorf("%s, more than %s", old, f.MaxAge)
	case info.Size() < f.MinSize:
		return fmt.Errorf("%s has %d bytes, less than %d", path, info.Size(), f.MinSize)
	case f.MaxSize > 0 && info.Size() > f.MaxSize:
		return fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), f.MaxSize)
	}
	if err := f.match(path, info); err != nil {
		return err
	}
	if f.WarnAge > 0 && age > f.WarnAge {
		return health.Warning(fmt.Errorf("%s, more than %s", old, f.WarnAge))
	}
	health.Say(ctx, old)
	return nil
}

// newest finds the file of a pattern that was written last. A name that has the
// characters of a pattern, but is there as it is written, is that file.
func newest(pattern string) (path string, info os.FileInfo, err error) {
	if info, err = os.Stat(pattern); err == nil {
		return pattern, info, nil
	}
	paths, globErr := names.Files(pattern)
	if globErr != nil {
		return "", nil, globErr
	}
	var newest os.FileInfo
	for _, p := range paths {
		// A file may be removed between Glob and Stat: it is as if it had not been there.
		if i, statErr := os.Stat(p); statErr == nil && (newest == nil || i.ModTime().After(newest.ModTime())) {
			path, newest = p, i
		}
	}
	if newest == nil {
		return "", nil, fmt.Errorf("no file: %w", err)
	}
	return path, newest, nil
}

func (f File) match(path string, info os.FileInfo) error {
	if f.Match == nil {
		return nil
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path) // opening a pipe might hang
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, fileLimit))
	if err != nil {
		return err
	}
	if !f.Match.Match(content) {
		return fmt.Errorf("%s does not match %q", path, f.Match)
	}
	return nil
}
