package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

var bucket = []byte("b")

func nothing(*bbolt.Tx) error { return nil }

// filled writes n sealed values, so that what is read can be told from damage.
func filled(n int) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucket)
		for i := 0; i < n && err == nil; i++ {
			key := fmt.Sprintf("key-%05d", i)
			err = b.Put([]byte(key), Seal(key, []byte(strings.Repeat(key, 1+i%20))))
		}
		return err
	}
}

// counted reads what filled has written: how many there are, and how many are wrong.
func counted(sound, wrong *int) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			if string(k) == "within" {
				return nil
			}
			var i int
			body, err := Unseal(string(k), v)
			_, scanned := fmt.Sscanf(string(k), "key-%05d", &i)
			if err != nil || scanned != nil || string(body) != strings.Repeat(string(k), 1+i%20) {
				*wrong++
			} else {
				*sound++
			}
			return nil
		})
	}
}

func rebuilt(t testing.TB, path string, o Options, fill func(*bbolt.Tx) error) *DB {
	t.Helper()
	d, kept, err := Rebuild(path, o, 0, fill)
	must(t, err)
	if kept != "" {
		t.Errorf("kept %q", kept)
	}
	return d
}

// wantSound reads a file that must be sound and have so many values.
func wantSound(t *testing.T, path string, want int) {
	t.Helper()
	var sound, wrong int
	faults, err := Read(path, ReadOptions{Timeout: time.Second}, counted(&sound, &wrong))
	if err != nil || len(faults) > 0 || sound != want || wrong > 0 {
		t.Errorf("%d sound, want %d, %d wrong, faults %q, %v", sound, want, wrong, faults, err)
	}
}

// both runs a test with and without a list of free pages in the file.
func both(t *testing.T, test func(t *testing.T, o Options)) {
	for _, o := range []Options{{Timeout: time.Second}, {Timeout: time.Second, NoFreelist: true}} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) { test(t, o) })
	}
}

func TestUpdate(t *testing.T) {
	both(t, func(t *testing.T, o Options) {
		path := filepath.Join(t.TempDir(), "x.db")
		d := rebuilt(t, path, o, filled(10))
		refused := errors.New("refused")
		if err := d.Update(func(tx *bbolt.Tx) error { return errors.Join(filled(99)(tx), refused) }); !errors.Is(err, refused) || d.Broken() != nil {
			t.Errorf("%v, broken: %v", err, d.Broken())
		}
		var sound, wrong int
		if err := d.View(counted(&sound, &wrong)); err != nil || sound != 10 || wrong != 0 {
			t.Errorf("%d, %d, %v", sound, wrong, err)
		}
		must(t, d.Update(filled(20)), d.Close())
		wantSound(t, path, 20)
		d, err := Open(path, o)
		must(t, err, d.Update(filled(3000)), d.Close())
		wantSound(t, path, 3000)
	})
}

// TestPanic: after one nothing is written any more, and nothing waits for ever.
func TestPanic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := rebuilt(t, path, Options{}, filled(10))
	if err := d.View(func(*bbolt.Tx) error { panic("reading") }); !Panicked(err) || d.Broken() != nil {
		t.Errorf("%v, broken: %v", err, d.Broken())
	}
	err := d.Update(func(*bbolt.Tx) error { panic("writing") })
	if !Panicked(err) || err.Error() != "panic: writing" {
		t.Error(err)
	}
	if again := d.Update(filled(20)); !errors.Is(again, err) || !errors.Is(d.Broken(), err) {
		t.Errorf("%v, broken: %v", again, d.Broken())
	}
	must(t, d.Close())
	wantSound(t, path, 10)
}

// TestBroken takes bbolt's file away from under it: writing fails with something else than
// a full disk.
func TestBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := rebuilt(t, path, Options{}, filled(10))
	must(t, d.File().Close())
	if d.Replaced() {
		t.Error("replaced")
	}
	for range 2 {
		if err := d.Update(filled(20)); err == nil || Panicked(err) || DiskFull(err) || d.Broken() == nil {
			t.Errorf("%v, broken: %v", err, d.Broken())
		}
	}
	must(t, d.Close())
	wantSound(t, path, 10)
}

// TestCutWhileOpen: the memory map reaches over the end of the file, which is a fault.
func TestCutWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := rebuilt(t, path, Options{}, filled(3000))
	must(t, os.Truncate(path, 8192))
	var sound, wrong int
	if err := d.View(counted(&sound, &wrong)); !Panicked(err) {
		t.Errorf("reading: %v", err)
	}
	if err := d.Update(filled(3000)); !Panicked(err) || d.Broken() == nil {
		t.Errorf("writing: %v", err)
	}
	must(t, d.Close())
}

func TestReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := rebuilt(t, path, Options{}, nothing)
	if d.Replaced() {
		t.Error("it is there")
	}
	must(t, os.Remove(path))
	if !d.Replaced() {
		t.Error("it is removed")
	}
	must(t, os.WriteFile(path, nil, 0o600))
	if !d.Replaced() {
		t.Error("it is another")
	}
	must(t, d.Close())
}

func TestInUse(t *testing.T) {
	both(t, func(t *testing.T, o Options) {
		o.Timeout = 50 * time.Millisecond
		path := filepath.Join(t.TempDir(), "x.db")
		d := rebuilt(t, path, o, filled(10))
		_, opening := Open(path, o)
		_, reading := Read(path, ReadOptions{Timeout: o.Timeout}, nothing)
		for _, err := range []error{opening, reading} {
			if other, ok := errors.AsType[*InUseError](err); !ok || other.PID != 0 || err.Error() != path+" is in use by another process" {
				t.Error(err)
			}
		}
		must(t, d.Update(filled(20)), d.Close())
		wantSound(t, path, 20)
	})
}

// TestSnapshot copies what there was, while it is written on, and after the file was given
// another name.
func TestSnapshot(t *testing.T) {
	both(t, func(t *testing.T, o Options) {
		dir := t.TempDir()
		path, to := filepath.Join(dir, "x.db"), filepath.Join(dir, "copy")
		d := rebuilt(t, path, o, filled(100))
		must(t, d.Update(filled(150))) // so that there is room in the memory map
		s, err := d.Snapshot()
		remove := func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Delete([]byte("key-00149")) }
		must(t, err, d.Update(remove), os.WriteFile(to, []byte(strings.Repeat("longer than the copy", 100_000)), 0o600), s.CopyTo(to))
		wantSound(t, to, 150)
		s, err = d.Snapshot()
		must(t, err)
		if err := s.CopyTo(filepath.Join(dir, "missing", "copy")); err == nil {
			t.Error("no error")
		}
		must(t, d.Close()) // which would wait for a snapshot that has not ended
		wantSound(t, path, 149)
		if _, err := d.Snapshot(); err == nil {
			t.Error("of a closed file")
		}
	})
}

func TestRebuild(t *testing.T) {
	both(t, func(t *testing.T, o Options) {
		dir := t.TempDir()
		path := filepath.Join(dir, "x.db")
		must(t, os.WriteFile(path, []byte("old"), 0o600), os.WriteFile(Building(path), []byte("of a crash"), 0o600))
		refused := errors.New("refused")
		for name, fill := range map[string]func(*bbolt.Tx) error{
			"refused":  func(tx *bbolt.Tx) error { return errors.Join(filled(10)(tx), refused) },
			"panicked": func(*bbolt.Tx) error { panic(refused) },
		} {
			d, kept, err := Rebuild(path, o, 3, fill)
			if d != nil || kept != "" || err == nil || !strings.Contains(err.Error(), "refused") {
				t.Errorf("%s: %v, kept %q, %v", name, d, kept, err)
			}
			if got := content(t, path); got != "old" {
				t.Errorf("%s: it has become %q", name, got)
			}
			if left := names(t, dir, "x.db"); len(left) > 0 {
				t.Errorf("%s: left: %q", name, left)
			}
		}
		d, kept, err := Rebuild(path, o, 3, filled(10))
		must(t, err, d.Close())
		if got := content(t, kept); got != "old" || !strings.HasPrefix(kept, path+".corrupt-") {
			t.Errorf("kept %q as %s", got, kept)
		}
		wantSound(t, path, 10)
		must(t, os.WriteFile(path, []byte("damaged again"), 0o600))
		d, kept, err = Rebuild(path, o, 1, filled(10))
		must(t, err, d.Close())
		if left := names(t, dir, "x.db"); !slices.Equal(left, []string{filepath.Base(kept)}) || content(t, kept) != "damaged again" {
			t.Errorf("left %q, of which %s is new", left, kept)
		}
		d = rebuilt(t, path, o, filled(20))
		must(t, d.Update(filled(30)), d.Close())
		if left := names(t, dir, "x.db", filepath.Base(kept)); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
		wantSound(t, path, 30)
	})
}

func rebuildForEver(path string) {
	for n := 0; ; n++ {
		d, _, err := Rebuild(path, Options{NoFreelist: n%2 == 0}, 0, filled(500+n))
		if err == nil {
			err = errors.Join(d.Update(filled(1000)), d.Close())
		}
		if err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString(".")
	}
}

// TestKilledRebuilds kills the process at random moments: there is always a whole file.
func TestKilledRebuilds(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	for i := range 8 {
		cmd := child(t, "rebuild", path, "")
		out, err := cmd.StdoutPipe()
		must(t, err, cmd.Start())
		_, err = out.Read(make([]byte, 1)) // once it is there
		must(t, err)
		time.Sleep(time.Duration(i*7) * time.Millisecond)
		must(t, cmd.Process.Kill())
		_ = cmd.Wait()
		var sound, wrong int
		faults, err := Read(path, ReadOptions{Timeout: time.Second}, counted(&sound, &wrong))
		if err != nil || len(faults) > 0 || sound < 500 || wrong > 0 {
			t.Errorf("%d sound, %d wrong, faults %q, %v", sound, wrong, faults, err)
		}
		if left := names(t, dir, "x.db", "x.db.new"); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
	}
}
