package outbox

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

func openTestStore(t *testing.T, dir string) (*store, []entry, map[string]alerting.Memory, *strings.Builder) {
	t.Helper()
	log := new(strings.Builder)
	s, found, err := openStore(dir, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return s, found.queue, found.known, log
}

func remembering(seq uint64, key string) *changes {
	return &changes{
		add:      []entry{{Seq: seq, To: "ops@example.org", Notice: alerting.Notice{Reason: key}}},
		remember: map[string]alerting.Memory{key: {}},
	}
}

// TestFailedWritesDoNotLastForEver has writing fail with something else than a full disk,
// and takes the file away.
func TestFailedWritesDoNotLastForEver(t *testing.T) {
	dir := t.TempDir()
	s, _, _, _ := openTestStore(t, dir)
	if err := s.write(remembering(1, "a")); err != nil {
		t.Fatal(err)
	}
	if err := s.db.File().Close(); err != nil {
		t.Fatal(err)
	}
	s.retryAt = time.Now().Add(time.Hour)
	for range 2 {
		if err := s.write(remembering(2, "b")); err == nil {
			t.Fatal("no error")
		}
	}
	s.retryAt = time.Time{}
	if err := s.write(remembering(3, "c")); err != nil {
		t.Fatal(err)
	}
	s.retryAt = time.Time{}
	found, err := s.load()
	if err != nil || len(found.queue) != 2 || len(found.known) != 2 {
		t.Errorf("%d to tell, %d remembered, %v", len(found.queue), len(found.known), err)
	}
	if err := os.Remove(filepath.Join(dir, storeFile)); err != nil {
		t.Fatal(err)
	}
	if err := s.keep(map[string][]byte{"x": []byte("y")}); err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	s, _, _, log := openTestStore(t, dir)
	if all, err := s.kept(); err != nil || string(all["x"]) != "y" || log.Len() > 0 {
		t.Errorf("kept %q, %v, log %q", all, err, log)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// TestKindsOfDamage spoils a file that has something in it.
func TestKindsOfDamage(t *testing.T) {
	sound := t.TempDir()
	s, _, _, _ := openTestStore(t, sound)
	for i := range uint64(200) {
		if err := s.write(remembering(i+1, strings.Repeat("k", 1+int(i)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	rewrite := func(t *testing.T, dir string, change func([]byte) []byte) {
		file := filepath.Join(dir, storeFile)
		data, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(file, change(data), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tamper := func(t *testing.T, dir string, change func(*bbolt.Tx) error) {
		db, err := bbolt.Open(filepath.Join(dir, storeFile), 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(change), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for name, spoil := range map[string]func(*testing.T, string){
		"empty":   func(t *testing.T, dir string) { rewrite(t, dir, func([]byte) []byte { return nil }) },
		"cut":     func(t *testing.T, dir string) { rewrite(t, dir, func(b []byte) []byte { return b[:len(b)/2] }) },
		"no tree": func(t *testing.T, dir string) { rewrite(t, dir, func(b []byte) []byte { clear(b[8192:]); return b }) },
		"not JSON": func(t *testing.T, dir string) {
			tamper(t, dir, func(tx *bbolt.Tx) error { return tx.Bucket(memoryBucket).Put([]byte("a"), []byte("{")) })
		},
		"another key": func(t *testing.T, dir string) {
			tamper(t, dir, func(tx *bbolt.Tx) error { return tx.Bucket(queueBucket).Put([]byte("a"), []byte("{}")) })
		},
		"no cursor": func(t *testing.T, dir string) {
			tamper(t, dir, func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(cursorKey, []byte("yesterday")) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(sound)); err != nil {
				t.Fatal(err)
			}
			spoil(t, dir)
			spoiled, _ := os.ReadFile(filepath.Join(dir, storeFile))
			s, queue, known, log := openTestStore(t, dir)
			if len(queue)+len(known) > 0 || !strings.Contains(log.String(), "the outbox is damaged") {
				t.Errorf("%d to tell, %d remembered, log %q", len(queue), len(known), log)
			}
			kept, _ := filepath.Glob(filepath.Join(dir, storeFile+".corrupt-*"))
			if len(kept) != 1 {
				t.Fatalf("kept %q", kept)
			}
			if b, _ := os.ReadFile(kept[0]); !bytes.Equal(b, spoiled) {
				t.Error("the damaged file was not kept as it was")
			}
			if err := errors.Join(s.write(remembering(1, "a")), s.close()); err != nil {
				t.Fatal(err)
			}
			s, queue, _, log = openTestStore(t, dir)
			if len(queue) != 1 || log.Len() > 0 {
				t.Errorf("afterwards %d to tell, log %q", len(queue), log)
			}
			if err := s.close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFileOfAnOlderProgram lacks a bucket, which is not damage.
func TestFileOfAnOlderProgram(t *testing.T) {
	dir := t.TempDir()
	s, _, _, _ := openTestStore(t, dir)
	if err := errors.Join(s.write(remembering(1, "a")), s.close()); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(filepath.Join(dir, storeFile), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket(keptBucket) }), db.Close()); err != nil {
		t.Fatal(err)
	}
	s, queue, _, log := openTestStore(t, dir)
	if len(queue) != 1 || log.Len() > 0 {
		t.Errorf("%d to tell, log %q", len(queue), log)
	}
	if err := errors.Join(s.keep(map[string][]byte{"x": nil, "y": []byte("z")}), s.close()); err != nil {
		t.Error(err)
	}
}

// retryLater sets when a file that cannot be written is opened again.
func (s *store) retryLater(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retryAt = at
}

// TestToldWhileTheDiskIsFull: what cannot be written is told at once all the same.
func TestToldWhileTheDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Path: dir})
		w.set("nas", health.Healthy)
		w.pass(2 * time.Minute)
		if err := w.outbox.store.db.File().Close(); err != nil {
			t.Fatal(err)
		}
		w.outbox.store.retryLater(time.Now().Add(time.Hour))
		began := time.Now()
		w.set("nas", health.Unhealthy)
		w.write()
		if err := w.outbox.Take(w.journal[len(w.journal)-1:]); err == nil {
			t.Error("it can be written, so this proves nothing")
		}
		for range 90 {
			time.Sleep(time.Second)
			synctest.Wait()
			if w.office.count() > 0 {
				break
			}
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("told after %s", took)
		}
		w.expect("ops@example.org: nas is unhealthy")
		if s := w.outbox.Stats(); !strings.HasPrefix(s.DiskProblem, "writing the outbox: ") {
			t.Errorf("the problem of the disk is %q", s.DiskProblem)
		}
		w.outbox.store.retryLater(time.Time{}) // there is room again
		w.pass(5 * time.Minute)
		w.expect()
		if s := w.outbox.Stats(); s.DiskProblem != "" {
			t.Errorf("written again, and the problem of the disk is %q", s.DiskProblem)
		}
		w.stop()
	})
}
