package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// ReadOptions say how a file is read.
type ReadOptions struct {
	// Timeout is how long to wait for another process that has the file open; 0 for ever.
	Timeout time.Duration
	// Salvage gives also what is left of a damaged tree to whoever reads. He must not rely
	// on anything that is not sealed, and may see less than there is.
	Salvage bool
}

// Read reads a file of bbolt without changing it, and trusts nothing in it: all pages
// that can be reached are checked before bbolt is let at what is in them.
//
//	no faults, no error   all was read, and it is sound
//	faults                all that bbolt can find was read, but the file must not be
//	                      written to: it is damaged beside the tree, or with Salvage in it
//	a *[DamageError]      nothing in it can be relied on; it wraps fs.ErrNotExist if there
//	                      is not a file
//	an *[InUseError]      another process has the file open for writing
//	another error         something else is in the way, such as rights, or read's own
func Read(path string, o ReadOptions, read func(*bbolt.Tx) error) (faults []string, err error) {
	d, opening := open(path, &bbolt.Options{ReadOnly: true, Timeout: o.Timeout})
	if _, inUse := errors.AsType[*InUseError](opening); inUse {
		return nil, opening // nothing can be said of what another process writes
	}
	if d != nil {
		defer func() { // after a panic bbolt's Close could wait for ever
			unlock(d.file)
			_ = d.file.Close()
		}()
	}
	found, err := checkFile(path)
	switch {
	case err != nil:
	case Panicked(opening):
		err = damagef("bbolt cannot read it: %v", opening)
	case opening != nil:
		err = opening
	case len(found.inTree) > 0 && !o.Salvage:
		err = &DamageError{What: found.inTree[0]}
	}
	if err != nil {
		return nil, errors.Join(err, d.release())
	}
	return d.read(slices.Concat(found.beside, found.inTree), o.Salvage, read)
}

// read reads what has been checked, and found to have these faults.
func (d *DB) read(faults []string, salvage bool, read func(*bbolt.Tx) error) ([]string, error) {
	err := d.View(read)
	if !Panicked(err) {
		err = errors.Join(err, d.release())
	}
	switch {
	case Panicked(err) && salvage:
		return append(faults, fmt.Sprintf("bbolt cannot read it: %v", err)), nil
	case Panicked(err):
		return nil, damagef("bbolt cannot read it: %v", err)
	case err != nil:
		return nil, err
	}
	return faults, nil
}

// release closes what was only read; d may be nil.
func (d *DB) release() error {
	if d == nil {
		return nil
	}
	return guard(d.bolt.Close)
}

// checkFile checks the pages of a file.
func checkFile(path string) (*checked, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &DamageError{What: "it is missing", cause: fs.ErrNotExist}
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	case info.Size() == 0:
		return nil, damagef("it is empty")
	}
	return checkPages(f, info.Size())
}

// Summary is the first few of many faults.
func Summary(faults []string) string {
	const most = 3
	if n := len(faults); n > most {
		return fmt.Sprintf("%s; and %d more", strings.Join(faults[:most], "; "), n-most)
	}
	return strings.Join(faults, "; ")
}
