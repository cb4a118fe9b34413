package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// TestCompactTo: the copy has the buckets that are wanted, whole, and nothing else.
func TestCompactTo(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(filepath.Join(dir, "db"), Options{})
	must(t, err)
	const many = 2*compactBatch + 17
	must(t, d.Update(func(tx *bbolt.Tx) error {
		for name, n := range map[string]int{"many": many, "none": 0, "exactly": compactBatch, "unwanted": 5} {
			b, err := tx.CreateBucket([]byte(name))
			if err != nil {
				return err
			}
			for i := range n {
				if err := b.Put(fmt.Appendf(nil, "%09d", i), fmt.Appendf(nil, "%s %d", name, i)); err != nil {
					return err
				}
			}
			if err := b.SetSequence(uint64(n) + 1); err != nil {
				return err
			}
		}
		return nil
	}))
	path := filepath.Join(dir, "copy")
	must(t, os.WriteFile(path, []byte("something else"), 0o600))
	snapshot, err := d.Snapshot()
	must(t, err)
	must(t, d.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("many")) })) // since
	must(t, snapshot.CompactTo(path, "many", "none", "missing", "exactly"))
	faults, err := Read(path, ReadOptions{}, func(tx *bbolt.Tx) error {
		got := map[string]int{}
		must(t, tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			n := 0
			if err := b.ForEach(func(k, v []byte) error {
				if string(k) != fmt.Sprintf("%09d", n) || string(v) != fmt.Sprintf("%s %d", name, n) {
					t.Fatalf("%s: %q = %q", name, k, v)
				}
				n++
				return nil
			}); err != nil {
				return err
			}
			if got[string(name)] = n; b.Sequence() != uint64(n)+1 {
				t.Errorf("%s: sequence %d", name, b.Sequence())
			}
			return nil
		}))
		if want := map[string]int{"many": many, "none": 0, "exactly": compactBatch}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("it has %v, want %v", got, want)
		}
		return nil
	})
	if err != nil || len(faults) > 0 {
		t.Error(faults, err)
	}
	must(t, d.Close())
}

// TestCompactToNowhere leaves nothing behind, and the snapshot is over.
func TestCompactToNowhere(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(filepath.Join(dir, "db"), Options{})
	must(t, err)
	must(t, d.Update(nothing))
	for _, path := range []string{filepath.Join(dir, "missing", "copy"), filepath.Join(dir, "full")} {
		must(t, os.MkdirAll(filepath.Join(dir, "full", "in the way"), 0o700))
		snapshot, err := d.Snapshot()
		must(t, err)
		if err := snapshot.CompactTo(path, "b"); err == nil || !errors.As(err, new(*os.PathError)) {
			t.Errorf("%s: error %v", path, err)
		}
	}
	must(t, d.Close()) // it waits for snapshots
}
