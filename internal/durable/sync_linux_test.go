package durable

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSyncing: what has reached the disk no test can see, but that it is asked to is seen
// where asking fails, as it does for a pipe and for a directory that is gone.
func TestSyncing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, []byte("old"), 0o600))
	err := writeFile(path, []byte("new"), 0o600, func(step string) error {
		if step == "sync" {
			return becomesPipe(t, filepath.Dir(path))
		}
		return nil
	})
	if !errors.Is(err, syscall.EINVAL) || content(t, path) != "old" {
		t.Errorf("%v, and it is %q", err, content(t, path))
	}
	dir := filepath.Join(t.TempDir(), "d")
	must(t, os.Mkdir(dir, 0o700))
	err = writeFile(filepath.Join(dir, "file"), nil, 0o600, func(step string) error {
		if step == "sync directory" {
			return os.Rename(dir, dir+"2")
		}
		return nil
	})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory: %v", err)
	}
}

// becomesPipe puts a pipe in the place of the one file that is open for writing in the
// directory.
func becomesPipe(t *testing.T, dir string) error {
	r, w, err := os.Pipe()
	must(t, err)
	t.Cleanup(func() { must(t, r.Close(), w.Close()) })
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	for _, e := range entries {
		to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		if err != nil || !strings.HasPrefix(to, filepath.Join(dir, temporary("file"))) {
			continue
		}
		var fd int
		for _, digit := range e.Name() {
			fd = 10*fd + int(digit-'0')
		}
		return syscall.Dup3(int(w.Fd()), fd, syscall.O_CLOEXEC)
	}
	t.Fatal("nothing is open in", dir)
	return nil
}
