package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

// steps are those of writing a file; from the rename on it is the new one.
var steps = []string{"create", "write", "mode", "sync", "close", "rename", "sync directory"}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, test := range []struct {
		content string
		mode    fs.FileMode
	}{{"first", 0o600}, {"", 0o644}, {strings.Repeat("long", 100_000), 0o640}} {
		must(t, WriteFile(path, []byte(test.content), test.mode))
		info, err := os.Stat(path)
		must(t, err)
		if got := content(t, path); got != test.content || info.Mode() != test.mode {
			t.Errorf("%d bytes, mode %v", len(got), info.Mode())
		}
	}
	if left := names(t, filepath.Dir(path), "file"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	var done []string
	must(t, writeFile(path, nil, 0o600, func(step string) error { done = append(done, step); return nil }))
	if !slices.Equal(done, steps) {
		t.Errorf("steps %q, the tests below know %q", done, steps)
	}
}

// TestFailingSteps has each step of writing fail.
func TestFailingSteps(t *testing.T) {
	failed := errors.New("failed")
	for i, at := range steps {
		path := filepath.Join(t.TempDir(), "file")
		must(t, os.WriteFile(path, []byte("old"), 0o600))
		err := writeFile(path, []byte("new"), 0o600, func(step string) error {
			if step == at {
				return failed
			}
			return nil
		})
		want := "old"
		if i > slices.Index(steps, "rename") {
			want = "new"
		}
		if got := content(t, path); got != want || !errors.Is(err, failed) {
			t.Errorf("%s: %q, %v", at, got, err)
		}
		if left := names(t, filepath.Dir(path), "file"); len(left) > 0 {
			t.Errorf("%s: left: %q", at, left)
		}
	}
}

func killedAt(path, at string) {
	err := writeFile(path, []byte("new"), 0o600, func(step string) error {
		if step == at {
			killSelf()
		}
		return nil
	})
	panic(fmt.Sprint("not killed: ", err))
}

// TestKilledSteps kills the process at each step: the file is the old or the new one, and
// what is left beside it goes in time.
func TestKilledSteps(t *testing.T) {
	for i, at := range steps {
		path := filepath.Join(t.TempDir(), "file")
		must(t, os.WriteFile(path, []byte("old"), 0o600))
		out, err := child(t, "write", path, at).CombinedOutput()
		if err == nil || err.Error() != "signal: killed" {
			t.Fatalf("%s: %v\n%s", at, err, out)
		}
		want := "old"
		if i > slices.Index(steps, "rename") {
			want = "new"
		}
		if got := content(t, path); got != want {
			t.Errorf("%s: %q", at, got)
		}
		dir := filepath.Dir(path)
		left := names(t, dir, "file")
		if len(left) > 1 {
			t.Errorf("%s: left: %q", at, left)
		}
		must(t, WriteFile(path, []byte("newer"), 0o600))
		if now := names(t, dir, "file"); !slices.Equal(now, left) {
			t.Errorf("%s: %q is taken away, and may be another's who is writing", at, left)
		}
		old := time.Now().Add(-2 * staleAfter)
		for _, name := range left {
			must(t, os.Chtimes(filepath.Join(dir, name), old, old))
		}
		must(t, os.WriteFile(filepath.Join(dir, ".file.new"), nil, 0o600), os.Chtimes(filepath.Join(dir, ".file.new"), old, old))
		must(t, WriteFile(path, []byte("newest"), 0o600))
		if left := names(t, dir, "file"); !slices.Equal(left, []string{".file.new"}) {
			t.Errorf("%s: after an hour: %q", at, left)
		}
	}
}

func TestNoDirectory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for _, path := range []string{filepath.Join(dir, "missing", "x"), filepath.Join(file, "x")} {
		_, _, rebuilding := Rebuild(path, Options{}, 1, nothing)
		_, locking := Lock(path, 0)
		for _, err := range []error{
			WriteFile(path, nil, 0o600), rebuilding, locking, Rename(path, path+"2"), SyncDir(filepath.Join(path, "y")),
		} {
			if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	must(t, os.Mkdir(filepath.Join(dir, "d"), 0o700), os.WriteFile(filepath.Join(dir, "d", "x"), nil, 0o600))
	if err := WriteFile(filepath.Join(dir, "d"), nil, 0o600); err == nil {
		t.Error("a directory is replaced by a file")
	}
	if left := names(t, dir); !slices.Equal(left, []string{"d", "file"}) {
		t.Errorf("left: %q", left)
	}
}

// TestManyWriters: what is read is always what one of them wrote.
func TestManyWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	must(t, WriteFile(path, bytes.Repeat([]byte{'x'}, 5000), 0o600))
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for range 10 {
				if err := WriteFile(path, bytes.Repeat([]byte{'a' + byte(i)}, 5000), 0o600); err != nil {
					t.Error(err)
				}
				if b, err := os.ReadFile(path); err != nil || len(b) != 5000 || bytes.Count(b, b[:1]) != 5000 {
					t.Errorf("%d bytes, %v", len(b), err)
				}
			}
		})
	}
	work.Wait()
	if left := names(t, filepath.Dir(path), "file"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestWriteTree(t *testing.T) {
	tree := fstest.MapFS{"a": {Data: []byte("1")}, "b/c/d": {Data: []byte("2")}, "b/e": {Data: []byte("3")}}
	dir := filepath.Join(t.TempDir(), "not", "there")
	for range 2 {
		written, err := WriteTree(dir, tree)
		if want := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b", "c", "d"), filepath.Join(dir, "b", "e")}; err != nil || !slices.Equal(written, want) {
			t.Errorf("%q, %v", written, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "b", "c", "d"))
	if err != nil || info.Mode() != 0o644 || content(t, filepath.Join(dir, "b", "e")) != "3" {
		t.Errorf("%v %v", info, err)
	}
	must(t, os.Remove(filepath.Join(dir, "b", "e")), os.Mkdir(filepath.Join(dir, "b", "e"), 0o700))
	if written, err := WriteTree(dir, tree); err == nil || len(written) != 2 {
		t.Errorf("%q, %v", written, err)
	}
}

func TestKeepDamaged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[a]*")
	must(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "x.db")
	if kept, err := KeepDamaged(path, 3); kept != "" || err != nil {
		t.Errorf("of nothing it keeps %q, %v", kept, err)
	}
	others := []string{"x.db", "x.db.corrupt", "y.db.corrupt-1"}
	for _, name := range others[1:] {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	var kept []string
	for i := range 6 {
		must(t, WriteFile(path, []byte{byte('0' + i)}, 0o600))
		to, err := KeepDamaged(path, 3)
		must(t, err)
		if content(t, path) != content(t, to) {
			t.Error("the file is not what is kept")
		}
		kept = append(kept, filepath.Base(to))
	}
	if got := names(t, dir, others...); !slices.Equal(got, kept[3:]) {
		t.Errorf("%q, want the newest of %q", got, kept)
	}
	for i, name := range kept[3:] {
		if got := content(t, filepath.Join(dir, name)); got != string(rune('3'+i)) {
			t.Errorf("%s has %q", name, got)
		}
	}
}

func TestSeal(t *testing.T) {
	good := Seal("a\x00b", []byte("body"))
	flipped := bytes.Clone(good)
	flipped[5] ^= 1
	for _, test := range []struct {
		name, place string
		value       []byte
		want        error
	}{
		{"good", "a\x00b", good, nil},
		{"bit flip", "a\x00b", flipped, ErrChecksum},
		{"elsewhere", "a\x00c", good, ErrChecksum},
		{"short", "a\x00b", good[:3], ErrChecksum},
		{"cut", "a\x00b", good[:6], ErrChecksum},
		{"missing", "a\x00b", nil, ErrMissing},
		{"empty", "a\x00b", []byte{}, ErrChecksum},
	} {
		if body, err := Unseal(test.place, test.value); !errors.Is(err, test.want) || err == nil && string(body) != "body" {
			t.Errorf("%s: %q, %v", test.name, body, err)
		}
	}
	if body, err := Unseal("x", Seal("x", nil)); err != nil || len(body) != 0 {
		t.Errorf("an empty body: %q, %v", body, err)
	}
	// Files that were written before must be readable for ever.
	if got := fmt.Sprintf("%x", Seal("meta\x00schema\x00", []byte("1"))); got != "8a9aaa9f31" {
		t.Errorf("sealed as %s", got)
	}
}
