package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/health-exporter/health_exporter/internal/durable"
)

// The files of a storage directory.
const (
	fileDB     = "registry.db"
	fileBackup = "registry.db.backup-"
	fileBefore = "registry.db.schema-" // and the version: as it was before a newer program used it
	fileMarker = "initialised"
	fileLock   = "lock"
)

// keptDamaged is how many damaged files are kept: a failing disk shall not be
// filled up by them.
const keptDamaged = 5

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

const markerText = "health_exporter keeps its registrations in registry.db, beside this file.\n" +
	"If that file is lost, this one is how the loss is noticed. Remove both to start anew.\n"

func writeMarker(dir string) error {
	path := filepath.Join(dir, fileMarker)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return durable.WriteFile(path, []byte(markerText), 0o600)
}
