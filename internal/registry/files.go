package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The files of a storage directory.
const (
	fileDB      = "registry.db"
	fileNew     = "registry.db.new"
	fileBackup  = "registry.db.backup-"
	fileCorrupt = "registry.db.corrupt-"
	fileMarker  = "initialised"
	fileLock    = "lock"
)

// keptCorrupt is how many damaged files are kept: a failing disk shall not be
// filled up by them.
const keptCorrupt = 5

// prepareDir makes the directory and finds out early whether it can be used.
func prepareDir(dir string) error {
	const instead = "or choose another --storage.path"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is, or lies below, a file and not a directory: move the file away, %s", dir, instead)
		}
		return fmt.Errorf("making the storage directory %s: %w: make it for the user (id %d) that runs health_exporter, %s", dir, err, os.Getuid(), instead)
	}
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("storage directory %s cannot be written: %w: give it to the user (id %d) that runs health_exporter, %s", dir, err, os.Getuid(), instead)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// syncDir makes renames durable, where the system can do that.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // some network file systems
	}
	return errors.Join(err, d.Close())
}

// replace renames a complete and synced file into its place.
func replace(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

const markerText = "health_exporter keeps its registrations in registry.db, beside this file.\n" +
	"If that file is lost, this one is how the loss is noticed. Remove both to start anew.\n"

func writeMarker(dir string) error {
	path := filepath.Join(dir, fileMarker)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(markerText)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncDir(dir)
}

// keepCorrupt gives the damaged file a second name under which it stays when
// registry.db is replaced, and drops the oldest of many. It returns that name,
// or "" if there is no such file.
func keepCorrupt(dir string) (string, error) {
	from := filepath.Join(dir, fileDB)
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	to := filepath.Join(dir, fileCorrupt+time.Now().UTC().Format("20060102T150405.000000000Z"))
	if err := os.Link(from, to); err != nil {
		// A file system without links: for a moment there is no registry.db, and
		// after a crash just then the mark tells.
		if err := os.Rename(from, to); err != nil {
			return "", err
		}
	}
	entries, err := os.ReadDir(dir) // sorted, so the oldest come first
	kept := slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), fileCorrupt) })
	for len(kept) > keptCorrupt && err == nil {
		err = os.Remove(filepath.Join(dir, kept[0].Name()))
		kept = kept[1:]
	}
	return to, err
}
