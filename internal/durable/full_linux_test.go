package durable

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/health-exporter/health_exporter/internal/testneed"
)

// smallDisk is a directory that holds 256 KB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		testneed.Missing(t, "a file system that is full: "+err.Error(), "run the tests as root")
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("something still has it open: %v", err)
		}
	})
	return dir
}

// TestFullDisk: what cannot be written changes nothing, and works when there is space.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t)
	path, file := filepath.Join(dir, "x.db"), filepath.Join(dir, "file")
	d := rebuilt(t, path, Options{}, filled(10))
	must(t, WriteFile(file, []byte("old"), 0o600))
	ballast := filepath.Join(dir, "ballast")
	must(t, os.WriteFile(ballast, make([]byte, 128<<10), 0o600))
	var grown int
	var err error
	for n := 20; err == nil && n < 20_000; n += 100 {
		if err = d.Update(filled(n)); err == nil {
			grown = n
		}
	}
	if err == nil || !DiskFull(err) || d.Broken() != nil || grown == 0 {
		t.Fatalf("after %d: %v, broken: %v", grown, err, d.Broken())
	}
	if err := WriteFile(file, []byte(strings.Repeat("new", 100_000)), 0o600); err == nil || content(t, file) != "old" {
		t.Errorf("%v, and it has become %.10q", err, content(t, file))
	}
	snapshot, err := d.Snapshot()
	must(t, err)
	if err := snapshot.CopyTo(filepath.Join(dir, "copy")); err == nil {
		t.Error("a copy fits")
	}
	if _, kept, err := Rebuild(path, Options{}, 3, filled(grown)); err == nil || kept != "" {
		t.Errorf("rebuilt, kept %q, %v", kept, err)
	}
	if left := names(t, dir, "x.db", "file", "ballast"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	must(t, os.Remove(ballast), d.Update(filled(grown+100)), d.Close())
	wantSound(t, path, grown+100)
}

// TestReadOnlyDisk: an error that is none of a full disk.
func TestReadOnlyDisk(t *testing.T) {
	dir := smallDisk(t)
	path := filepath.Join(dir, "x.db")
	must(t, rebuilt(t, path, Options{}, filled(10)).Close())
	must(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	_, opening := Open(path, Options{})
	_, _, rebuilding := Rebuild(path, Options{}, 1, nothing)
	for _, err := range []error{opening, rebuilding, WriteFile(path, nil, 0o600), Rename(path, path+"2")} {
		if err == nil || DiskFull(err) {
			t.Error(err)
		}
	}
	wantSound(t, path, 10)
}
