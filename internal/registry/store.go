package registry

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/prober/schedule"
)

// store is the storage directory, open. But for what is immutable it is guarded
// by Registry.writeMu.
type store struct {
	// Immutable.
	dir          string
	log          *slog.Logger
	timeout      time.Duration
	onCorruption string
	lock         *os.File
	installation string
	recovered    bool

	db     *bolt.DB
	file   *os.File // bbolt's own
	counts counts

	// After an error of fsync nobody knows what the disk has, and asking again
	// tells nothing. Such a handle is never used again: broken is why. From retry
	// on, the file is written anew from memory.
	broken  error
	keep    bool // what is on disk is worth a look: keep it as corrupt
	retry   time.Time
	backoff time.Duration
}

// How long to leave a broken disk alone.
const (
	firstBackoff = time.Second
	maxBackoff   = time.Minute
)

func (s *store) path(name string) string { return filepath.Join(s.dir, name) }

// openStore takes the directory for this process and loads what is in it.
func openStore(o Options, log *slog.Logger) (*store, *contents, error) {
	s := &store{
		dir: o.Path, log: log, onCorruption: o.OnCorruption, backoff: firstBackoff,
		timeout: 3 * time.Second,
	}
	if o.LockTimeout > 0 {
		s.timeout = o.LockTimeout
	}
	if err := prepareDir(s.dir); err != nil {
		return nil, nil, err
	}
	lock, err := lockDir(s.dir, s.timeout)
	if err != nil {
		return nil, nil, err
	}
	s.lock = lock
	c, err := s.load()
	if err == nil {
		err = s.use(c)
	}
	if err == nil {
		err = writeMarker(s.dir)
	}
	if err != nil {
		if errors.Is(err, errLocked) {
			err = inUse(s.dir, "")
		}
		return nil, nil, errors.Join(err, s.close())
	}
	return s, c, nil
}

// load finds what is stored: in a new directory nothing, in an old one what was
// written last, or as much as can be had of it.
func (s *store) load() (*contents, error) {
	for _, name := range []string{fileNew, fileBackup + "new"} {
		if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	c, faults, err := examine(s.path(fileDB), s.timeout)
	damage, damaged := errors.AsType[*damageError](err)
	switch {
	case damaged && s.isNew():
		c = newContents(rand.Text())
		return c, s.create(c)
	case damaged:
		faults = []string{damage.Error()}
	case err != nil:
		return nil, fmt.Errorf("%s: %w", s.path(fileDB), err)
	}
	if len(faults) > 0 {
		return s.restore(c, faults)
	}
	return c, nil
}

// isNew tells whether nothing was ever stored here. A registry.db that is there
// and not empty was.
func (s *store) isNew() bool {
	for _, name := range []string{fileMarker, fileBackup + "1", fileBackup + "2", fileBackup + "3"} {
		if _, err := os.Lstat(s.path(name)); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	info, err := os.Lstat(s.path(fileDB))
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0
}

// create writes a file of these contents and puts it in the place of registry.db.
func (s *store) create(c *contents) error {
	if err := build(s.path(fileNew), c); err != nil {
		return err
	}
	return replace(s.path(fileNew), s.path(fileDB))
}

// build writes a new file, synced. If it cannot, it leaves none.
func build(path string, c *contents) error {
	err := guard(func() error {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		db, file, err := openBolt(path, &bolt.Options{Timeout: time.Second})
		if err != nil {
			return err
		}
		err = db.Update(func(tx *bolt.Tx) error { return writeContents(tx, c) })
		if err == nil {
			err = file.Sync()
		}
		return errors.Join(err, db.Close())
	})
	if err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// use opens registry.db, which has these contents.
func (s *store) use(c *contents) (err error) {
	s.db, s.file, err = openBolt(s.path(fileDB), &bolt.Options{Timeout: s.timeout})
	s.installation, s.counts = c.installation, c.counts()
	return err
}

// commit writes one transaction. memory gives all that ought to be on disk before it.
func (s *store) commit(b *batch, states map[string]*schedule.Saved, memory func() *contents) error {
	if s.broken == nil && s.replaced() {
		s.abandon(errors.New("registry.db was removed or replaced by somebody else"), true)
		s.retry = time.Time{}
	}
	if err := s.revive(memory, false); err != nil {
		return err
	}
	next := s.counts
	err := guard(func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			w := writer{tx: tx, counts: s.counts}
			for k, t := range b.targets {
				w.target(k, t)
			}
			for app, at := range b.renewals {
				w.renewal(app, at)
			}
			for app, paused := range b.pauses {
				w.pause(app, paused)
			}
			for _, graves := range []map[string]*Tombstone{b.regraves, b.graves} {
				for app, t := range graves {
					w.grave(app, t)
				}
			}
			for _, app := range slices.Sorted(maps.Keys(states)) { // there may be very many
				w.state(app, states[app])
			}
			next = w.counts
			w.json(metaCounts, next)
			return w.err
		})
	})
	if err == nil {
		s.counts = next
		return nil
	}
	if !diskFull(err) {
		_, panicked := errors.AsType[*panicError](err)
		s.abandon(err, panicked)
	}
	return s.failure(err)
}

func (s *store) failure(err error) error {
	return fmt.Errorf("%w: writing %s: %w", ErrStorage, s.path(fileDB), err)
}

// replaced tells whether registry.db is no longer the file we write to, so that
// what we acknowledge would be gone after a restart.
func (s *store) replaced() bool {
	ours, err := s.file.Stat()
	if err != nil {
		return false // the write will tell
	}
	there, err := os.Stat(s.path(fileDB))
	return errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(ours, there)
}

// diskFull tells whether a write was refused for want of space, before anything
// was touched that counts: then bbolt has rolled back and the handle is as good as
// before. An error of fsync is none of these, whatever its number.
func diskFull(err error) bool {
	if strings.HasPrefix(err.Error(), "file resize error: ") { // bbolt hides what it was
		return true
	}
	at, ok := errors.AsType[*fs.PathError](err)
	return ok && at.Op == "write" &&
		(errors.Is(at.Err, syscall.ENOSPC) || errors.Is(at.Err, syscall.EDQUOT) || errors.Is(at.Err, syscall.EFBIG))
}

// abandon gives up the handle.
func (s *store) abandon(why error, keep bool) {
	s.broken, s.keep = why, s.keep || keep
	s.retry = time.Now().Add(s.backoff)
	if _, panicked := errors.AsType[*panicError](why); !panicked {
		_ = guard(s.db.Close)
	}
	_ = s.file.Close() // after a panic bbolt may hold locks that Close waits for
}

// revive writes the file anew if the handle is broken and it is time to try.
func (s *store) revive(memory func() *contents, now bool) error {
	if s.broken == nil {
		return nil
	}
	if !now && time.Now().Before(s.retry) {
		return s.failure(s.broken)
	}
	c := memory()
	err := build(s.path(fileNew), c)
	if err == nil && s.keep {
		_, err = keepCorrupt(s.dir)
	}
	if err == nil {
		err = replace(s.path(fileNew), s.path(fileDB))
	}
	if err == nil {
		err = s.use(c)
	}
	if err != nil {
		s.retry = time.Now().Add(s.backoff)
		s.backoff = min(2*s.backoff, maxBackoff)
		return s.failure(err)
	}
	s.log.Warn("storage was written anew from memory", "path", s.path(fileDB), "after", s.broken)
	s.broken, s.keep, s.backoff = nil, false, firstBackoff
	return nil
}

// close lets go of everything.
func (s *store) close() error {
	var err error
	if s.db != nil && s.broken == nil {
		err = guard(s.db.Close)
	}
	return errors.Join(err, s.lock.Close())
}
