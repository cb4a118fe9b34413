package registry

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

func backedUp(t *testing.T, path string) []string {
	t.Helper()
	c, faults, err := examine(path, time.Second, nothing{}.Examine)
	if err != nil || len(faults) > 0 {
		t.Fatal(path, err, faults)
	}
	r := newRegistry(Options{})
	r.adopt(c)
	return apps(r)
}

// wait looks until something is so.
func wait(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !so(); {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for " + what)
		}
		select {
		case <-t.Context().Done():
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Names that come and go must not push out the good backups, nor must an exporter that
// starts again and again.
func TestBackupsComeByTimeOnly(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Options{Path: dir})
	old := func(round int) { // as if the backups had been made in the past
		for i := range keptBackups {
			at := time.Now().Add(-time.Duration(i+1) * time.Hour)
			if err := os.Chtimes(r.store.backupPath(i+1), at, at); err != nil && i < round {
				t.Fatal(err)
			}
		}
	}
	for round, app := range []string{"a", "b", "c", "d"} {
		old(round)
		put(t, r, api(app))
		if err := r.backUp(); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, counts ...int) {
		t.Helper()
		for i, want := range counts {
			if got := len(backedUp(t, r.store.backupPath(i+1))); got != want {
				t.Errorf("%s, backup %d has %d targets, want %d", when, i+1, got, want)
			}
		}
	}
	check("in the beginning", 4, 3, 2)
	before := r.Stats().LastBackup
	for i := range 1500 {
		app := fmt.Sprint("churn", i)
		put(t, r, api(app))
		if _, err := r.Remove(prober.SourceAPI, app); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.Stats().LastBackup; !got.Equal(before) {
		t.Error("many changes have made a backup before its time")
	}
	for i := range 5 {
		put(t, r, api(fmt.Sprint("start", i)))
		shut(t, r)
		r = open(t, Options{Path: dir})
	}
	check("after five starts", 9, 3, 2)
	before = r.Stats().LastBackup
	shut(t, r)
	if after := r.Stats().LastBackup; !after.Equal(before) {
		t.Error("a backup of nothing new")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*new")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestBackupByTime(t *testing.T) {
	r := open(t, Options{Path: t.TempDir(), BackupEvery: 10 * time.Millisecond})
	put(t, r, api("a"))
	wait(t, "a backup", func() bool { return !r.Stats().LastBackup.IsZero() })
	put(t, r, api("b"))
	wait(t, "another that has begun", func() bool {
		r.writeMu.Lock()
		defer r.writeMu.Unlock()
		return !r.dirty
	})
	path := r.store.backupPath(1)
	shut(t, r) // it ends first: meanwhile there is no newest backup for a moment
	if got := backedUp(t, path); len(got) != 2 {
		t.Errorf("backed up: %q", got)
	}
}

// TestDamageIsNotBackedUp flips a bit under a running registry: the good backup
// stays, and the file is written anew from memory.
func TestDamageIsNotBackedUp(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Options{Path: dir})
	put(t, r, api("a"), api("b"))
	if err := r.backUp(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(r.store.backupPath(1))
	if err != nil {
		t.Fatal(err)
	}
	put(t, r, api("c"))
	flip(t, filepath.Join(dir, fileDB), "8096/a")
	if err := r.backUp(); err == nil {
		t.Fatal("damage was backed up")
	}
	if now, _ := os.ReadFile(r.store.backupPath(1)); !bytes.Equal(good, now) {
		t.Error("the good backup was touched")
	}
	put(t, r, api("d"))
	shut(t, r)
	if got := len(backedUp(t, filepath.Join(dir, fileBackup+"1"))); got != 4 {
		t.Errorf("%d targets in the backup", got)
	}
	r = open(t, Options{Path: dir, OnCorruption: Fail})
	wantApps(t, r, "a", "b", "c", "d")
}

// flip changes the text in place, wherever the file has it.
func flip(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	for at := 0; err == nil; at++ {
		i := bytes.Index(b[at:], []byte(text))
		if i < 0 {
			break
		}
		at += i
		_, err = f.WriteAt([]byte{b[at] ^ 1}, int64(at))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestFailedBackupIsReported(t *testing.T) {
	dir := t.TempDir()
	var log journal
	r := open(t, Options{Path: dir, Log: log.logger()})
	put(t, r, api("a"))
	if err := os.Mkdir(filepath.Join(dir, fileBackup+"new"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileBackup+"new", "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.backUp(); err == nil {
		t.Error("no error")
	}
	if s := r.Stats(); s.Errors != 1 || s.DiskFailed {
		t.Errorf("stats %+v", s)
	}
	if err := os.RemoveAll(filepath.Join(dir, fileBackup+"new")); err != nil {
		t.Fatal(err)
	}
	if err := r.backUp(); err != nil || r.Stats().LastBackup.IsZero() {
		t.Errorf("it is not tried again: %v", err)
	}
}

func TestCorruptFilesAreBounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[a]*")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for range keptDamaged + 3 {
		r := open(t, Options{Path: dir})
		shut(t, r)
		overwrite(t, filepath.Join(dir, fileDB), func(b []byte) []byte { return b[:100] })
	}
	shut(t, open(t, Options{Path: dir}))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, e := range entries {
		if matched, _ := filepath.Match(fileDB+".corrupt-"+"*", e.Name()); matched {
			kept++
		}
	}
	if kept != keptDamaged {
		t.Errorf("%d kept", kept)
	}
}
