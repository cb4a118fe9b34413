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

// openStore opens the file in a directory and reads it. One that is damaged is kept under
// another name, and a new one begun: then nobody is told what happened before.
func openStore(dir string, log *slog.Logger) (s *store, queue []entry, known map[string]alerting.Memory, err error) {
	s, known = &store{log: log, created: time.Now()}, map[string]alerting.Memory{}
	if dir == "" {
		return s, nil, known, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, nil, fmt.Errorf("opening the outbox: %w", err)
	}
	s.path = filepath.Join(dir, storeFile)
	s.created, err = s.open()
	if err == nil {
		queue, known, err = s.load()
	}
	if err == nil {
		return s, queue, known, nil
	}
	if _, inUse := errors.AsType[*durable.InUseError](err); inUse || errors.Is(err, os.ErrPermission) {
		return nil, nil, nil, errors.Join(fmt.Errorf("opening the outbox %s: %w", s.path, err), s.close())
	}
	// Such as a full disk.
	log.Error("the outbox cannot be used: pending notifications are kept in memory only, and lost at the next restart", "file", s.path, "err", err)
	_ = s.close()
	s = &store{created: time.Now()}
	s.damage.Store(new(err.Error()))
	return s, nil, map[string]alerting.Memory{}, nil
}

// open opens the file, or begins a new one if it is damaged or there is none. It says when
// the file was begun.
func (s *store) open() (created time.Time, err error) {
	created = time.Now()
	began := func(tx *bbolt.Tx) error { return begin(tx, &created) }
	o := durable.Options{Timeout: time.Second}
	faults, err := durable.Read(s.path, durable.ReadOptions{Timeout: o.Timeout}, recognise)
	if err == nil && len(faults) == 0 {
		if s.db, err = durable.Open(s.path, o); err != nil {
			return created, err
		}
		if err = s.db.Update(began); err != nil {
			return created, errors.Join(err, s.db.Close())
		}
		return created, nil
	}
	damage, damaged := errors.AsType[*durable.DamageError](err)
	switch {
	case damaged && !errors.Is(err, fs.ErrNotExist):
		faults = append(faults, damage.What)
	case err != nil && !damaged:
		return created, err
	}
	if len(faults) > 0 {
		s.log.Error("the outbox is damaged: the file was renamed, and changes not yet notified are lost",
			"file", s.path, "damage", durable.Summary(faults))
		s.damage.Store(new(durable.Summary(faults)))
	}
	s.db, _, err = durable.Rebuild(s.path, o, keptDamaged, began)
	return created, err
}

// recognise looks whether a file is one of ours.
func recognise(tx *bbolt.Tx) error {
	if meta := tx.Bucket(metaBucket); meta != nil {
		var created time.Time
		if text := meta.Get(createdKey); text != nil && created.UnmarshalText(text) != nil {
			return errOtherLayout
		}
	}
	_, _, err := contents(tx)
	return err
}

// begin makes what a file lacks, and says when it was begun.
func begin(tx *bbolt.Tx, created *time.Time) error {
	for _, name := range [][]byte{queueBucket, memoryBucket, metaBucket, keptBucket} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(metaBucket)
	if text := meta.Get(createdKey); text != nil {
		return created.UnmarshalText(text)
	}
	text, err := created.MarshalText()
	if err != nil {
		return err
	}
	return meta.Put(createdKey, text)
}

// contents reads what was to be told, and what is remembered.
func contents(tx *bbolt.Tx) (queue []entry, known map[string]alerting.Memory, err error) {
	known = map[string]alerting.Memory{}
	err = each(tx, queueBucket, func(k, v []byte) error {
		var e entry
		if len(k) != 8 || json.Unmarshal(v, &e) != nil {
			return errOtherLayout
		}
		e.Seq = binary.BigEndian.Uint64(k)
		queue = append(queue, e)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	err = each(tx, memoryBucket, func(k, v []byte) error {
		var m alerting.Memory
		if json.Unmarshal(v, &m) != nil {
			return errOtherLayout
		}
		known[string(k)] = m
		return nil
	})
	return queue, known, err
}

// each goes over a bucket, which need not be there.
func each(tx *bbolt.Tx, bucket []byte, do func(k, v []byte) error) error {
	b := tx.Bucket(bucket)
	if b == nil {
		return nil
	}
	return b.ForEach(do)
}
