package registry

import (
	"encoding/binary"
	"os"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// rewriteMeta seals another value under a key of the meta bucket.
func rewriteMeta(t *testing.T, path, name, value string) {
	t.Helper()
	tamper(t, path, func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(name), durable.Seal(place(bucketMeta, name), []byte(value)))
	})
}

// tamper writes to a file behind the registry's back.
func tamper(t *testing.T, path string, f func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(f); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// overwrite changes the bytes of a file.
func overwrite(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The kinds of bbolt's pages.
const (
	branchPage = 1
	leafPage   = 2
)

// boltMeta is what one of the first two pages of bbolt's file says.
type boltMeta struct{ freelist, limit, txid uint64 }

// newestMeta is what counts of a sound file.
func newestMeta(file []byte) (newest boltMeta) {
	for _, page := range [][]byte{file, file[4096:]} {
		number := func(at int) uint64 { return binary.NativeEndian.Uint64(page[16+at:]) }
		if m := (boltMeta{freelist: number(32), limit: number(40), txid: number(48)}); m.txid >= newest.txid {
			newest = m
		}
	}
	return newest
}

// stored makes a directory with 100 targets, states and a pause in the backup,
// then one target more, one fewer and one changed; the latter three are only in
// registry.db.
func stored(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	r := open(t, Options{Path: dir})
	states := map[string]*schedule.Saved{}
	for _, app := range numbered(100) {
		put(t, r, api(app))
		states[app] = state(20)
	}
	if err := r.Save(states); err != nil {
		t.Fatal(err)
	}
	if err := r.SetPaused("app-0007", true); err != nil {
		t.Fatal(err)
	}
	shut(t, r)
	r = open(t, Options{Path: dir})
	moved := api("app-0001")
	moved.URL = "http://moved"
	put(t, r, api("newest"), moved)
	if _, err := r.Remove(prober.SourceAPI, "app-0000"); err != nil {
		t.Fatal(err)
	}
	if err := r.Save(map[string]*schedule.Saved{"newest": state(1)}); err != nil {
		t.Fatal(err)
	}
	r.writeMu.Lock()
	r.dirty = false // no backup at Close
	r.writeMu.Unlock()
	shut(t, r)
	return dir
}
