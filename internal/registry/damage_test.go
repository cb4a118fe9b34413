package registry

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

func TestDamage(t *testing.T) {
	trash := func(b []byte) {
		for i := range b {
			b[i] = byte(i*7 + 13)
		}
	}
	// Where not said otherwise, what is sound in the damaged file is kept: the
	// newest target is there, and so is the one whose removal is not in the backup.
	tests := []struct {
		name string
		// backupOnly: nothing of the damaged file can be used.
		backupOnly bool
		says       string
		damage     func(t *testing.T, path string)
	}{
		{name: "zero length", backupOnly: true, says: "it is empty", damage: func(t *testing.T, path string) {
			overwrite(t, path, func([]byte) []byte { return nil })
		}},
		{name: "missing", backupOnly: true, says: "it is missing", damage: func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "garbage", backupOnly: true, says: "neither of its meta pages is valid", damage: func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte { trash(b); return b })
		}},
		{name: "text", backupOnly: true, says: "neither of its meta pages is valid", damage: func(t *testing.T, path string) {
			overwrite(t, path, func([]byte) []byte { return []byte("hello\n") })
		}},
		{name: "truncated by half", backupOnly: true, says: "bytes and ought to have", damage: func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte { return b[:len(b)/2] })
		}},
		{name: "truncated within the last page", backupOnly: true, says: "bytes and ought to have", damage: func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte {
				return b[:newestMeta(b).limit*4096-1]
			})
		}},
		{name: "both meta pages zeroed", backupOnly: true, says: "neither of its meta pages is valid", damage: func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte { clear(b[:8192]); return b })
		}},
		{name: "all pages but meta trashed", backupOnly: true, says: "page", damage: func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte { trash(b[8192:]); return b })
		}},
		{name: "branch page trashed", backupOnly: true, says: "page", damage: func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte {
				for at := 8192; at < len(b); at += 4096 { // every one: some are free pages
					if binary.NativeEndian.Uint16(b[at+8:]) == branchPage {
						trash(b[at+16 : at+64])
					}
				}
				return b
			})
		}},
		{name: "leaf page zeroed", backupOnly: true, says: "page", damage: func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte {
				for at := 8192; at < len(b); at += 4096 {
					if binary.NativeEndian.Uint16(b[at+8:]) == leafPage && bytes.Contains(b[at:at+4096], []byte("app-0050")) {
						clear(b[at : at+4096])
					}
				}
				return b
			})
		}},
		{name: "first meta page zeroed", says: "meta page 0: not of a bbolt file", damage: func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte { clear(b[:4096]); return b })
		}},
		{name: "second meta page zeroed", says: "meta page 1: not of a bbolt file", damage: func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte { clear(b[4096:8192]); return b })
		}},
		{name: "header of the newer meta page trashed", says: "its header is not its own", damage: func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte {
				trash(b[newestMeta(b).txid%2*4096:][:12])
				return b
			})
		}},
		{name: "list of free pages trashed", says: "free pages", damage: func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte {
				trash(b[newestMeta(b).freelist*4096+8:][:64])
				return b
			})
		}},
		{name: "bit flips in targets", says: "checksum does not match", damage: func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte {
				return bytes.ReplaceAll(b, []byte("8096/app-0050"), []byte("8097/app-0050"))
			})
		}},
		{name: "bit flip in a key", says: "checksum does not match", damage: func(t *testing.T, path string) {
			tamper(t, path, func(tx *bolt.Tx) error {
				b := tx.Bucket([]byte(bucketTargets))
				v := bytes.Clone(b.Get([]byte("api\x00app-0050")))
				if err := b.Delete([]byte("api\x00app-0050")); err != nil {
					return err
				}
				return b.Put([]byte("api\x00app-005P"), v)
			})
		}},
		{name: "state of the wrong app", says: "checksum does not match", damage: func(t *testing.T, path string) {
			tamper(t, path, func(tx *bolt.Tx) error {
				b := tx.Bucket([]byte(bucketStates))
				return b.Put([]byte("app-0050"), bytes.Clone(b.Get([]byte("newest"))))
			})
		}},
		{name: "pause damaged", says: `pauses "app-0007": checksum does not match`, damage: func(t *testing.T, path string) {
			tamper(t, path, func(tx *bolt.Tx) error {
				return tx.Bucket([]byte(bucketPauses)).Put([]byte("app-0007"), []byte("1234{}"))
			})
		}},
		{name: "record lost without a trace", says: "ought to have", damage: func(t *testing.T, path string) {
			tamper(t, path, func(tx *bolt.Tx) error {
				return tx.Bucket([]byte(bucketTargets)).Delete([]byte("api\x00app-0050"))
			})
		}},
		{name: "bucket lost", says: `it has no bucket "states"`, damage: func(t *testing.T, path string) {
			tamper(t, path, func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte(bucketStates)) })
		}},
		{name: "meta bucket lost", backupOnly: true, says: `it has no bucket "meta"`, damage: func(t *testing.T, path string) {
			tamper(t, path, func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte(bucketMeta)) })
		}},
		{name: "schema lost", says: "schema: is missing", damage: func(t *testing.T, path string) {
			tamper(t, path, func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucketMeta)).Delete([]byte(metaSchema)) })
		}},
		{name: "mark lost as well", backupOnly: true, says: "it is missing", damage: func(t *testing.T, path string) {
			for _, name := range []string{fileDB, fileMarker} {
				if err := os.Remove(filepath.Join(filepath.Dir(path), name)); err != nil {
					t.Fatal(err)
				}
			}
		}},
	}
	template := os.DirFS(stored(t))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, template); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, fileDB)
			test.damage(t, path)
			damaged, _ := os.ReadFile(path)
			_, statErr := os.Stat(path)

			if _, err := Open(Options{Path: dir, OnCorruption: Fail}); err == nil || !strings.Contains(err.Error(), test.says) ||
				!strings.Contains(err.Error(), "copy "+filepath.Join(dir, fileBackup+"1")+" over it") {
				t.Errorf("with OnCorruption fail: error %v", err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(damaged, after) {
				t.Fatal("the file was touched")
			}

			var log journal
			r := open(t, Options{Path: dir, Log: log.logger()})
			checkRestored(t, r, test.backupOnly)
			if !r.Stats().Recovered {
				t.Error("Recovered is false")
			}
			if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(strings.ReplaceAll(log.String(), `\"`, `"`), test.says) {
				t.Errorf("log: %s", log.String())
			}
			kept, err := filepath.Glob(filepath.Join(dir, fileDB+".corrupt-"+"*"))
			if err != nil || len(kept) != 1 && statErr == nil {
				t.Fatalf("kept %v, %v", kept, err)
			}
			if statErr == nil {
				if b, _ := os.ReadFile(kept[0]); !bytes.Equal(b, damaged) {
					t.Error("the damaged file was not kept as it was")
				}
			}
			put(t, r, api("after"))
			shut(t, r)

			r = open(t, Options{Path: dir})
			if r.Stats().Recovered {
				t.Error("recovered twice")
			}
			checkRestored(t, r, test.backupOnly, "after")
		})
	}
}

func checkRestored(t *testing.T, r *Registry, backupOnly bool, more ...string) {
	t.Helper()
	want := append(numbered(100), more...)
	if !backupOnly {
		want = append(want, "newest")
	}
	slices.Sort(want)
	wantApps(t, r, want...)
	if moved, _ := r.Target("app-0001"); (moved.URL == "http://moved") == backupOnly {
		t.Errorf("app-0001 is at %s", moved.URL)
	}
	if paused, _ := r.Target("app-0007"); !paused.Paused {
		t.Error("the pause is lost")
	}
	for _, app := range numbered(100) {
		if want, got := state(20), r.Saved(app); !reflect.DeepEqual(want, got) {
			t.Fatalf("state of %s (-want +got):\n%s", app, cmp.Diff(want, got))
		}
	}
}

func TestDamageWithoutBackup(t *testing.T) {
	tests := []struct {
		name, says string
		want       []string
		damage     func([]byte) []byte
	}{
		{"nothing is left", "starting EMPTY", []string{}, func(b []byte) []byte { return b[:len(b)/2] }},
		{"one record is lost", "damaged registrations are lost", []string{"a", "c"}, func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("8096/b"), []byte("8097/b"))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			r := open(t, Options{Path: dir})
			put(t, r, api("a"), api("b"), api("c"))
			r.writeMu.Lock()
			r.dirty = false
			r.writeMu.Unlock()
			shut(t, r)
			overwrite(t, filepath.Join(dir, fileDB), test.damage)

			if _, err := Open(Options{Path: dir, OnCorruption: Fail}); err == nil || !strings.Contains(err.Error(), "there is no good backup") {
				t.Errorf("with OnCorruption fail: error %v", err)
			}
			var log journal
			r = open(t, Options{Path: dir, Log: log.logger()})
			wantApps(t, r, test.want...)
			if !r.Stats().Recovered || !strings.Contains(log.String(), test.says) || !strings.Contains(log.String(), fileDB+".corrupt-") {
				t.Errorf("recovered %v, log: %s", r.Stats().Recovered, log.String())
			}
		})
	}
}

func TestDamagedBackupsArePassedOver(t *testing.T) {
	dir := stored(t)
	for i := 3; i > 1; i-- {
		good, err := os.ReadFile(filepath.Join(dir, fileBackup+"1"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fileBackup+string(rune('0'+i))), good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overwrite(t, filepath.Join(dir, fileDB), func([]byte) []byte { return nil })
	overwrite(t, filepath.Join(dir, fileBackup+"1"), func(b []byte) []byte { return b[:4096] })
	overwrite(t, filepath.Join(dir, fileBackup+"2"), func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("8096/app-0050"), []byte("8097/app-0050"))
	})
	var log journal
	r := open(t, Options{Path: dir, Log: log.logger()})
	checkRestored(t, r, true)
	if text := log.String(); !strings.Contains(text, "backup="+filepath.Join(dir, fileBackup+"3")) {
		t.Errorf("log: %s", text)
	}
}
