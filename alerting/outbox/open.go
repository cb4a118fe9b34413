package outbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/internal/durable"
)

// stored is what a file has.
type stored struct {
	queue  []entry
	known  map[string]alerting.Memory
	cursor cursor
	old    bool // written before there was a cursor, and has memories of all subjects
}

// openStore opens the file in a directory and reads it. One that is damaged is kept under
// another name, and a new one begun: then people are told of what is bad, and of nothing
// that happened before.
func openStore(dir string, log *slog.Logger) (s *store, found stored, err error) {
	s, found = &store{log: log}, stored{known: map[string]alerting.Memory{}}
	if dir == "" {
		return s, found, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, found, fmt.Errorf("opening the outbox: %w", err)
	}
	s.path = filepath.Join(dir, storeFile)
	err = s.open()
	if err == nil {
		found, err = s.load()
	}
	if err == nil {
		return s, found, nil
	}
	if _, inUse := errors.AsType[*durable.InUseError](err); inUse || errors.Is(err, os.ErrPermission) {
		return nil, found, errors.Join(fmt.Errorf("opening the outbox %s: %w", s.path, err), s.close())
	}
	// Such as a full disk.
	log.Error("the outbox cannot be used: pending notifications are kept in memory only, and lost at the next restart", "file", s.path, "err", err)
	_ = s.close()
	s = &store{log: log}
	s.damage.Store(new(err.Error()))
	return s, stored{known: map[string]alerting.Memory{}}, nil
}

// open opens the file, or begins a new one if it is damaged or there is none.
func (s *store) open() (err error) {
	o := durable.Options{Timeout: time.Second}
	faults, err := durable.Read(s.path, durable.ReadOptions{Timeout: o.Timeout}, recognise)
	if err == nil && len(faults) == 0 {
		if s.db, err = durable.Open(s.path, o); err != nil {
			return err
		}
		if err = s.db.Update(begin); err != nil {
			return errors.Join(err, s.db.Close())
		}
		return nil
	}
	damage, damaged := errors.AsType[*durable.DamageError](err)
	switch {
	case damaged && !errors.Is(err, fs.ErrNotExist):
		faults = append(faults, damage.What)
	case err != nil && !damaged:
		return err
	}
	if len(faults) > 0 {
		s.log.Error("the outbox is damaged: the file was renamed, and changes not yet notified are lost",
			"file", s.path, "damage", durable.Summary(faults))
		s.damage.Store(new(durable.Summary(faults)))
	}
	s.db, _, err = durable.Rebuild(s.path, o, keptDamaged, begin)
	return err
}

// recognise looks whether a file is one of ours.
func recognise(tx *bbolt.Tx) error {
	_, err := contents(tx)
	return err
}

// begin makes what a file lacks.
func begin(tx *bbolt.Tx) error {
	for _, name := range [][]byte{queueBucket, memoryBucket, metaBucket, keptBucket} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// contents reads everything.
func contents(tx *bbolt.Tx) (found stored, err error) {
	found.known = map[string]alerting.Memory{}
	err = each(tx, queueBucket, func(k, v []byte) error {
		var e entry
		if len(k) != 8 || json.Unmarshal(v, &e) != nil {
			return errOtherLayout
		}
		e.Seq = binary.BigEndian.Uint64(k)
		found.queue = append(found.queue, e)
		return nil
	})
	if err != nil {
		return found, err
	}
	err = each(tx, memoryBucket, func(k, v []byte) error {
		var m alerting.Memory
		if json.Unmarshal(v, &m) != nil {
			return errOtherLayout
		}
		found.known[string(k)] = m
		return nil
	})
	if err != nil {
		return found, err
	}
	found.old = len(found.known) > 0
	if meta := tx.Bucket(metaBucket); meta != nil && meta.Get(cursorKey) != nil {
		found.old = false
		if json.Unmarshal(meta.Get(cursorKey), &found.cursor) != nil {
			return found, errOtherLayout
		}
	}
	return found, nil
}

// each goes over a bucket, which need not be there.
func each(tx *bbolt.Tx, bucket []byte, do func(k, v []byte) error) error {
	b := tx.Bucket(bucket)
	if b == nil {
		return nil
	}
	return b.ForEach(do)
}
