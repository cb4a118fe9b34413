package registry

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

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
