package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/health-exporter/health_exporter/internal/durable"
)

// keptBackups is how many backups there are; 1 is the newest.
const keptBackups = 3

// firstBackupAfter is when the first backup of a new directory is due: until
// then there is nothing to restore.
const firstBackupAfter = time.Minute

// probeEvery is how often a disk that failed is tried again when nothing else
// is written.
const probeEvery = 10 * time.Second

func (s *store) backupPath(i int) string { return s.path(fileBackup + strconv.Itoa(i)) }

func (s *store) lastBackup() time.Time {
	info, err := os.Stat(s.backupPath(1))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// youngBackup reports whether the newest backup is so young that the next one takes its
// place: one is made at each end, and an exporter that starts again and again must not
// push out the older ones.
func (s *store) youngBackup(limit time.Duration) bool {
	age := time.Since(s.lastBackup())
	return age >= 0 && age < limit
}

// maintain makes backups, and tries a failed disk again, until Close.
func (r *Registry) maintain() {
	next := r.backupEvery
	if r.Stats().LastBackup.IsZero() {
		next = min(next, firstBackupAfter)
	}
	backup, probe := time.NewTimer(next), time.NewTicker(probeEvery)
	defer backup.Stop()
	defer probe.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-probe.C:
			r.probe()
			continue
		case <-backup.C:
		}
		backup.Reset(r.backupEvery)
		_ = r.backUp() // logged and counted there
	}
}

// probe writes to a disk that failed, so that Stats is right even if
// nobody registers anything.
func (r *Registry) probe() {
	if !r.Stats().DiskFailed {
		return
	}
	r.writeMu.Lock()
	defer r.writeMu.Unlock()
	if !r.closed {
		_ = r.commitLocked(r.newBatch(), true) // counted and logged by noteWrite
	}
}

// flushLocked tries once more to write what is not on disk yet.
func (r *Registry) flushLocked() error {
	if r.store == nil {
		return nil
	}
	if r.store.broken != nil {
		if err := r.store.revive(r.contents, true); err != nil {
			return err
		}
	}
	return r.commitLocked(r.newBatch(), false)
}

// backUp makes a backup if anything has changed since the last one.
func (r *Registry) backUp() error {
	snapshot, err := r.beginBackup()
	if snapshot == nil {
		return err
	}
	err = r.store.backUp(snapshot, r.backupEvery/2)
	r.mu.Lock()
	if err == nil {
		r.stats.LastBackup = time.Now()
	} else {
		r.stats.Errors++
	}
	r.mu.Unlock()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("backing up storage: %w", err)
	r.log.Error("storage could not be backed up", "err", err)
	r.writeMu.Lock()
	defer r.writeMu.Unlock()
	r.dirty = true
	if _, damaged := errors.AsType[*durable.DamageError](err); damaged && r.store.broken == nil && !r.closed {
		// Memory is right and the disk is not: the next change writes it anew.
		r.store.abandon(err, true)
		r.store.retry = time.Time{}
	}
	return err
}

// beginBackup is a view of the data as it is now, or nil if there is nothing to
// back up.
func (r *Registry) beginBackup() (*durable.Snapshot, error) {
	r.writeMu.Lock()
	defer r.writeMu.Unlock()
	if !r.dirty || r.store.broken != nil {
		return nil, nil
	}
	r.dirty = false
	return r.store.db.Snapshot()
}

// backUp copies what is ours of the snapshot: what happened is kept for days only, and
// would be most of it. The copy counts only once it has been read back and found
// sound, or damage would push out the good backups. It takes the place of one that is
// younger than young.
func (s *store) backUp(snapshot *durable.Snapshot, young time.Duration) (err error) {
	path := s.path(fileBackup + "new")
	defer func() {
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	if err := snapshot.CompactTo(path, buckets()...); err != nil {
		return err
	}
	_, faults, err := s.examine(path)
	if err == nil && len(faults) > 0 {
		err = &durable.DamageError{What: durable.Summary(faults)}
	}
	if err != nil {
		return fmt.Errorf("reading it back: %w", err)
	}
	for i := keptBackups; i > 1 && !s.youngBackup(young); i-- {
		if err := durable.Rename(s.backupPath(i-1), s.backupPath(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return durable.Rename(path, s.backupPath(1))
}
