package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.etcd.io/bbolt"
)

// Building is the name under which [Rebuild] makes a file. What a crash leaves of it is
// replaced by the next.
func Building(path string) string { return path + ".new" }

// Rebuild makes a new file of what fill writes, and only when that is complete and synced
// puts it in the place of the one at the path. If it cannot, that one stays as it was. With
// keep that one is damaged: it stays under another name, which is returned, beside at most
// keep-1 others; see [KeepDamaged].
func Rebuild(path string, o Options, keep int, fill func(*bbolt.Tx) error) (d *DB, kept string, err error) {
	building := Building(path)
	defer func() {
		if err != nil {
			if d != nil {
				_ = d.Close()
			}
			_ = os.Remove(building)
			d, err = nil, fmt.Errorf("writing %s anew: %w", path, err)
		}
	}()
	if err := os.Remove(building); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, "", err
	}
	if d, err = Open(building, o); err != nil {
		return nil, "", err
	}
	if err := d.Update(fill); err != nil {
		return d, "", err
	}
	if err := d.file.Sync(); err != nil {
		return d, "", err
	}
	if keep > 0 {
		if kept, err = KeepDamaged(path, keep); err != nil {
			return d, kept, err
		}
	}
	d.path = path
	return d, kept, Rename(building, path)
}
