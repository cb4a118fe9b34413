package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// damagedSuffix goes between the name of a file and the time when it was found damaged.
const damagedSuffix = ".corrupt-"

// KeepDamaged gives a damaged file a second name under which it stays when the first is
// given to another, and drops the oldest if there are then more than most: a failing disk
// shall not be filled up by them. It returns that name, or "" if there is no such file.
func KeepDamaged(path string, most int) (string, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	to := path + damagedSuffix + time.Now().UTC().Format("20060102T150405.000000000Z")
	if err := os.Link(path, to); err != nil {
		// A file system without links: for a moment nothing has the first name.
		if err := os.Rename(path, to); err != nil {
			return "", err
		}
	}
	dir, prefix := filepath.Dir(path), filepath.Base(path)+damagedSuffix
	entries, err := os.ReadDir(dir) // sorted, so the oldest come first
	kept := slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), prefix) })
	for len(kept) > most && err == nil {
		err = os.Remove(filepath.Join(dir, kept[0].Name()))
		kept = kept[1:]
	}
	return to, err
}
