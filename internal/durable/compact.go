package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.etcd.io/bbolt"
)

// compactBatch is how many records are written in one transaction: all in one would be in
// memory at once.
const compactBatch = 20_000

// CompactTo writes a file that holds those of the buckets that there are, and nothing that
// is free, synced, and ends the snapshot. There must be no buckets within them. The copy is
// good only if it can be read: see [Read]. If it cannot be written, there is none.
func (s *Snapshot) CompactTo(path string, buckets ...string) (err error) {
	defer func() {
		if err = errors.Join(err, guard(s.tx.Rollback)); err != nil {
			_ = os.Remove(path)
			err = fmt.Errorf("copying to %s: %w", path, err)
		}
	}()
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	to, err := Open(path, Options{})
	if err != nil {
		return err
	}
	for _, name := range buckets {
		if err == nil {
			err = guard(func() error { return s.copyBucket(to, []byte(name)) })
		}
	}
	return errors.Join(err, to.Close())
}

// copyBucket copies one bucket, in the order of its keys.
func (s *Snapshot) copyBucket(to *DB, name []byte) error {
	from := s.tx.Bucket(name)
	if from == nil {
		return nil
	}
	c := from.Cursor()
	key, value := c.First()
	for first := true; first || key != nil; first = false {
		err := to.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(name)
			if err != nil {
				return err
			}
			b.FillPercent = 0.9 // half-empty pages are for what grows; this is complete
			for n := 0; key != nil && n < compactBatch; n++ {
				if err := b.Put(key, value); err != nil {
					return err
				}
				key, value = c.Next()
			}
			return b.SetSequence(from.Sequence())
		})
		if err != nil {
			return err
		}
	}
	return nil
}
