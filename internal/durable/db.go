package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Options say how a file of bbolt is opened.
type Options struct {
	// Timeout is how long to wait for another process that has the file open; 0 for ever.
	Timeout time.Duration
	// NoFreelist leaves the list of free pages out of the file, which makes writing
	// cheaper and opening dearer.
	NoFreelist bool
}

// DB is a file of bbolt that is open for writing. Its methods are safe for concurrent
// use. Once writing has failed, but for a full disk, nobody knows what the disk has, and
// asking again tells nothing: then every write fails with the same error, and all that is
// left to do is to Close, and to open or rebuild the file.
type DB struct {
	bolt *bbolt.DB
	file *os.File // bbolt's own: the only thing that can be closed after a panic
	path string

	mu     sync.Mutex // held while writing; protects broken
	broken error
}

// Open opens a file that is known to be sound, see [Read], or makes an empty one.
func Open(path string, o Options) (*DB, error) {
	return open(path, &bbolt.Options{Timeout: o.Timeout, NoFreelistSync: o.NoFreelist})
}

// open opens a file with bbolt. After an error nothing of it is left open.
func open(path string, o *bbolt.Options) (*DB, error) {
	d := &DB{path: path}
	o.NoStatistics = true
	o.FreelistType = bbolt.FreelistMapType
	o.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, flag, mode)
		d.file = f
		return f, err
	}
	err := guard(func() (err error) {
		d.bolt, err = bbolt.Open(path, 0o600, o)
		return err
	})
	if err == nil {
		return d, nil
	}
	if d.file != nil {
		_ = d.file.Close()
	}
	if errors.Is(err, bolterrors.ErrTimeout) {
		err = &InUseError{Path: path}
	}
	return nil, err
}

// Update makes all changes of one transaction or none. When it returns without error
// they are on the disk. An error of change itself is returned as it is.
func (d *DB) Update(change func(*bbolt.Tx) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != nil {
		return d.broken
	}
	var refused error
	err := guard(func() error {
		return d.bolt.Update(func(tx *bbolt.Tx) error {
			refused = change(tx)
			return refused
		})
	})
	if err != nil && refused == nil && !DiskFull(err) {
		d.broken = err
	}
	return err
}

// View reads.
func (d *DB) View(read func(*bbolt.Tx) error) error {
	return guard(func() error { return d.bolt.View(read) })
}

// Broken is the error after which nothing is written any more; nil if there was none.
func (d *DB) Broken() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.broken
}

// Replaced reports whether there is no longer our file at the path, so that what is
// written would be gone after a restart.
func (d *DB) Replaced() bool {
	ours, err := d.file.Stat()
	if err != nil {
		return false // the write will tell
	}
	there, err := os.Stat(d.path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(ours, there)
}

// File is bbolt's own, to ask it for its size.
func (d *DB) File() *os.File { return d.file }

// Close closes the file, also one that is broken, and waits for those who read.
func (d *DB) Close() error {
	broken := d.Broken()
	var err error
	if Panicked(broken) { // then bbolt may hold locks that its Close waits for
		unlock(d.file) // the memory map stays, and would keep others from the file
	} else {
		err = guard(d.bolt.Close)
	}
	_ = d.file.Close() // it is closed already, unless bbolt could not
	if broken != nil {
		return nil // that has been said
	}
	return err
}

// Snapshot is what a file holds at one moment.
type Snapshot struct{ tx *bbolt.Tx }

// Snapshot must be followed by the Snapshot's CopyTo. Until that has read everything,
// writes that make the file much longer wait.
func (d *DB) Snapshot() (*Snapshot, error) {
	s := new(Snapshot)
	err := guard(func() (err error) {
		s.tx, err = d.bolt.Begin(false)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// CopyTo writes a file that holds the same, synced, and ends the snapshot. The copy is
// good only if it can be read: see [Read]. If it cannot be written, there is none.
func (s *Snapshot) CopyTo(path string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return errors.Join(err, guard(s.tx.Rollback))
	}
	err = guard(func() error {
		_, err := s.tx.WriteTo(f)
		return err
	})
	err = errors.Join(err, guard(s.tx.Rollback)) // before the sync, which may take long
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("copying to %s: %w", path, err)
	}
	return nil
}
