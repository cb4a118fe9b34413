package registry

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// impatient makes the next attempt come at once.
func impatient(r *Registry) {
	r.writeMu.Lock()
	defer r.writeMu.Unlock()
	r.store.retry = time.Time{}
}

// TestBrokenHandle takes bbolt's file away from under it: writing fails with
// something else than a full disk.
func TestBrokenHandle(t *testing.T) {
	dir := t.TempDir()
	var log journal
	r := open(t, Options{Path: dir, Log: log.logger()})
	put(t, r, api("a"), api("b"))
	if err := r.Save(map[string]*schedule.Saved{"a": state(5)}); err != nil {
		t.Fatal(err)
	}
	if err := r.store.db.File().Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 { // the handle is not used again, and not at once replaced
		if _, err := r.Put(api("c")); !errors.Is(err, ErrStorage) {
			t.Fatalf("error %v", err)
		}
	}
	if ok, err := r.Remove(prober.SourceAPI, "a"); ok || !errors.Is(err, ErrStorage) {
		t.Errorf("Remove = %v, %v", ok, err)
	}
	wantApps(t, r, "a", "b")
	if s := r.Stats(); !s.DiskFailed || s.Errors != 4 {
		t.Errorf("stats %+v", s)
	}
	impatient(r)
	put(t, r, api("d"))
	if s := r.Stats(); s.DiskFailed {
		t.Errorf("stats %+v", s)
	}
	for _, want := range []string{"storage fails", "written anew from memory", "storage has recovered"} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("%q is not in the log once: %s", want, log.String())
		}
	}
	shut(t, r)
	r = open(t, Options{Path: dir, OnCorruption: Fail})
	wantApps(t, r, "a", "b", "d")
	if r.Saved("a") == nil {
		t.Error("the state is lost")
	}
}

func TestProbeFindsTheDiskWellAgain(t *testing.T) {
	r := open(t, Options{Path: t.TempDir()})
	_ = r.store.db.File().Close()
	if _, err := r.Put(api("a")); !errors.Is(err, ErrStorage) {
		t.Fatalf("error %v", err)
	}
	impatient(r)
	r.probe()
	if r.Stats().DiskFailed {
		t.Error("still failed")
	}
}

func TestCloseWritesWhatABrokenDiskRefused(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Options{Path: dir})
	put(t, r, api("a"))
	_ = r.store.db.File().Close()
	if err := r.Save(map[string]*schedule.Saved{"a": state(5)}); !errors.Is(err, ErrStorage) {
		t.Fatalf("error %v", err)
	}
	shut(t, r)
	r = open(t, Options{Path: dir, OnCorruption: Fail})
	wantApps(t, r, "a")
	if r.Saved("a") == nil {
		t.Error("the state is lost")
	}
}

// TestFileTakenAway removes, replaces and cuts registry.db while it is in use.
func TestFileTakenAway(t *testing.T) {
	tests := []struct {
		name    string
		corrupt int // damaged files kept
		refuses bool
		do      func(path string) error
	}{
		{"removed", 0, false, os.Remove},
		{"replaced", 1, false, func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte("mine"), 0o600))
		}},
		{"cut", 1, true, func(path string) error { return os.Truncate(path, 8192) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			r := open(t, Options{Path: dir})
			put(t, r, api("a"))
			if err := test.do(filepath.Join(dir, fileDB)); err != nil {
				t.Fatal(err)
			}
			if test.refuses {
				if _, err := r.Put(api("b")); !errors.Is(err, ErrStorage) {
					t.Fatalf("error %v", err)
				}
				impatient(r)
			}
			put(t, r, api("b"))
			shut(t, r)
			kept, _ := filepath.Glob(filepath.Join(dir, fileDB+".corrupt-"+"*"))
			if len(kept) != test.corrupt {
				t.Errorf("kept %v", kept)
			}
			r = open(t, Options{Path: dir, OnCorruption: Fail})
			wantApps(t, r, "a", "b")
		})
	}
}
