package registry

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/internal/durable"
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
	journal      Journal
	lock         io.Closer
	installation string
	recovered    bool
	damage       string // what was recovered from, for people

	db     *durable.DB // nil, or closed, while broken
	counts counts

	// broken is why the file is not written to any more. From retry on, it is written
	// anew from memory.
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
		journal: o.Journal, timeout: 3 * time.Second,
	}
	if o.LockTimeout > 0 {
		s.timeout = o.LockTimeout
	}
	if err := prepareDir(s.dir); err != nil {
		return nil, nil, err
	}
	// bbolt's own lock is not enough: it goes with the file when that is replaced.
	lock, err := durable.Lock(s.path(fileLock), s.timeout)
	if err != nil {
		return nil, nil, inUse(s.dir, err)
	}
	s.lock = lock
	c, err := s.load()
	if err == nil {
		err = s.use(c)
	}
	if err == nil {
		err = s.migrate(c)
	}
	if err == nil {
		err = s.db.View(s.journal.Load)
	}
	if err == nil {
		err = writeMarker(s.dir)
	}
	if err != nil {
		return nil, nil, errors.Join(inUse(s.dir, err), s.close())
	}
	return s, c, nil
}

// inUse says what to do if the error is that another process has the directory.
func inUse(dir string, err error) error {
	other, ok := errors.AsType[*durable.InUseError](err)
	if !ok {
		return err
	}
	who := ""
	if other.PID != 0 {
		who = fmt.Sprintf(" (pid %d)", other.PID)
	}
	return fmt.Errorf("storage directory %s is in use by another process%s: stop it if it is another health_exporter, or choose another --storage.path", dir, who)
}

// load finds what is stored: in a new directory nothing, in an old one what was
// written last, or as much as can be had of it.
func (s *store) load() (*contents, error) {
	for _, name := range []string{durable.Building(fileDB), fileBackup + "new"} {
		if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	c, faults, err := s.examine(s.path(fileDB))
	damage, damaged := errors.AsType[*durable.DamageError](err)
	switch {
	case damaged && s.isNew():
		c = newContents(rand.Text())
		s.db, _, err = durable.Rebuild(s.path(fileDB), durable.Options{Timeout: time.Second}, 0, func(tx *bolt.Tx) error {
			return writeContents(tx, c)
		})
		return c, err
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

// isNew reports whether nothing was ever stored here. A registry.db that is there
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

// rebuild writes a new file of these contents and puts it in the place of registry.db,
// which it keeps if it is damaged. Of the journal it has what is sound in registry.db.
func (s *store) rebuild(c *contents, keep int) (kept string, err error) {
	s.db, kept, err = durable.Rebuild(s.path(fileDB), durable.Options{Timeout: time.Second}, keep, func(tx *bolt.Tx) error {
		if err := writeContents(tx, c); err != nil {
			return err
		}
		s.salvage(tx, s.path(fileDB))
		return s.journal.Rescue(tx)
	})
	c.version = schema
	return kept, err
}

// salvage copies what is sound of the journal in a file. What cannot be had is lost, and
// Rescue notes that.
func (s *store) salvage(to *bolt.Tx, path string) {
	_, err := durable.Read(path, durable.ReadOptions{Timeout: s.timeout, Salvage: true}, func(from *bolt.Tx) error {
		return s.journal.Copy(to, from)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("of what happened nothing can be read any more", "path", path, "err", err)
	}
}

// use opens registry.db, which has these contents.
func (s *store) use(c *contents) (err error) {
	if s.db == nil {
		s.db, err = durable.Open(s.path(fileDB), durable.Options{Timeout: s.timeout})
	}
	s.installation, s.counts = c.installation, c.counts()
	return err
}

// commit writes one transaction. memory gives all that ought to be on disk before it.
func (s *store) commit(b *batch, states map[string]*schedule.Saved, memory func() *contents) (tell func(), err error) {
	if s.broken == nil && s.db.Replaced() {
		s.abandon(errors.New("registry.db was removed or replaced by somebody else"), true)
		s.retry = time.Time{}
	}
	if err := s.revive(memory, false); err != nil {
		return nil, err
	}
	next := s.counts
	err = s.db.Update(func(tx *bolt.Tx) error {
		w := writer{tx: tx, counts: s.counts}
		// Sorted, for there may be very many, and bbolt makes room for each within one list.
		for _, k := range slices.SortedFunc(maps.Keys(b.targets), compareKeys) {
			w.target(k, b.targets[k])
		}
		for _, app := range slices.Sorted(maps.Keys(b.renewals)) {
			w.renewal(app, b.renewals[app])
		}
		for _, app := range slices.Sorted(maps.Keys(b.pauses)) {
			w.pause(app, b.pauses[app])
		}
		for _, tombstones := range []map[string]*Tombstone{b.resavedTombstones, b.tombstones} {
			for app, t := range tombstones {
				w.tombstone(app, t)
			}
		}
		for _, app := range slices.Sorted(maps.Keys(states)) {
			w.state(app, states[app])
		}
		next = w.counts
		w.json(metaCounts, next)
		if w.err == nil {
			tell, w.err = s.journal.Write(tx, b.happened)
		}
		return w.err
	})
	if err == nil {
		s.counts = next
		return tell, nil
	}
	if s.db.Broken() != nil {
		s.abandon(err, durable.Panicked(err))
	}
	return nil, s.failure(err)
}

func (s *store) failure(err error) error {
	return fmt.Errorf("%w: writing %s: %w", ErrStorage, s.path(fileDB), err)
}

// abandon gives up the handle.
func (s *store) abandon(why error, keep bool) {
	s.broken, s.keep = why, s.keep || keep
	s.retry = time.Now().Add(s.backoff)
	_ = s.db.Close()
}

// revive writes the file anew if the handle is broken and it is time to try.
func (s *store) revive(memory func() *contents, now bool) error {
	if s.broken == nil {
		return nil
	}
	if !now && time.Now().Before(s.retry) {
		return s.failure(s.broken)
	}
	s.journal.Failed() // what is in memory has happened
	c := memory()
	keep := 0
	if s.keep {
		keep = keptDamaged
	}
	_, err := s.rebuild(c, keep)
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
		err = s.db.Close()
	}
	return errors.Join(err, s.lock.Close())
}
