package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// examine reads a file of ours without changing it, and trusts nothing in it.
//
//	contents, no faults   it is sound
//	contents, faults      sound but for these; records that are not are left out
//	a *damageError        nothing in it can be relied on
//	another error         something else is in the way: rights, a lock, a newer program
func examine(path string, timeout time.Duration) (*contents, []string, error) {
	faults, err := examinePages(path)
	if err != nil {
		return nil, nil, err
	}
	var c *contents
	err = guard(func() error {
		db, file, err := openBolt(path, &bolt.Options{ReadOnly: true, Timeout: timeout})
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // after a panic db.Close could wait for ever
		var more []string
		err = db.View(func(tx *bolt.Tx) error {
			c, more, err = readContents(tx)
			if err == nil && len(faults) == 0 {
				err = checkTree(tx)
			}
			return err
		})
		faults = append(faults, more...)
		return errors.Join(err, db.Close())
	})
	if _, ok := errors.AsType[*panicError](err); ok {
		err = damagef("bbolt cannot read it: %v", err)
	}
	if err != nil {
		return nil, nil, err
	}
	return c, faults, nil
}

// checkTree is bbolt's own check. It needs sound meta pages and a sound list of
// free pages.
func checkTree(tx *bolt.Tx) error {
	var faults []string
	for err := range tx.Check() {
		faults = append(faults, err.Error())
	}
	if len(faults) > 0 {
		return damagef("bbolt's check: %s", summary(faults))
	}
	return nil
}

// errMissingFile is damage too: where there ought to be a file, there is none.
var errMissingFile = damagef("it is missing")

func examinePages(path string) (faults []string, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errMissingFile
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

// openBolt opens a file of ours that is known to be sound or new, and also
// returns bbolt's file, which is the only thing that can be closed after a panic.
func openBolt(path string, o *bolt.Options) (*bolt.DB, *os.File, error) {
	var file *os.File
	o.NoStatistics = true
	o.FreelistType = bolt.FreelistMapType
	o.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, flag, mode)
		file = f
		return f, err
	}
	var db *bolt.DB
	err := guard(func() (err error) {
		db, err = bolt.Open(path, 0o600, o)
		return err
	})
	if err != nil {
		if file != nil {
			_ = file.Close()
		}
		if errors.Is(err, bolterrors.ErrTimeout) {
			err = errLocked
		}
		return nil, nil, err
	}
	return db, file, nil
}
