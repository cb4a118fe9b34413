package durable

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// soundFile is the bytes of a file that filled has written, with branches, free pages and,
// unless that is left out, a list of them.
func soundFile(t testing.TB, o Options, n int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	d := rebuilt(t, path, o, filled(n))
	must(t, d.Update(func(tx *bbolt.Tx) error {
		_, err := tx.Bucket(bucket).CreateBucketIfNotExists([]byte("within"))
		return err
	}), d.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).DeleteBucket([]byte("within")) }), d.Close())
	file, err := os.ReadFile(path)
	must(t, err)
	return file
}

// pagesOf are the offsets of the pages of a kind.
func pagesOf(file []byte, kind uint16) (at []int) {
	for i := 2 * 4096; i < len(file); i += 4096 {
		if order.Uint16(file[i+8:]) == kind && order.Uint64(file[i:]) == uint64(i/4096) {
			at = append(at, i)
		}
	}
	return at
}

func TestRead(t *testing.T) {
	const n = 3000
	each := func(file []byte, kind uint16, do func(page []byte)) {
		for _, at := range pagesOf(file, kind) {
			do(file[at : at+4096])
		}
	}
	for _, test := range []struct {
		name  string
		spoil func([]byte) []byte
		says  string // with Salvage too, unless salvaged
		// salvaged: something is read all the same, and must be right.
		salvaged, beside bool
	}{
		{name: "empty", says: "it is empty", spoil: func([]byte) []byte { return nil }},
		{name: "text", says: "neither of its meta pages is valid", spoil: func([]byte) []byte { return []byte("hello\n") }},
		{name: "zeros", says: "neither of its meta pages is valid", spoil: func(b []byte) []byte { clear(b); return b }},
		{name: "cut", says: "bytes and ought to have", spoil: func(b []byte) []byte { return b[:len(b)/3] }},
		{name: "one meta page lost", beside: true, says: "meta page 0", spoil: func(b []byte) []byte { clear(b[:4096]); return b }},
		{name: "branch points to itself", says: "used twice", spoil: func(b []byte) []byte {
			each(b, flagBranch, func(page []byte) { copy(page[pageHeader+8:], page[:8]) })
			return b
		}},
		{name: "branch points to nowhere", says: "out of range", spoil: func(b []byte) []byte {
			each(b, flagBranch, func(page []byte) { order.PutUint64(page[pageHeader+8:], 1<<50) })
			return b
		}},
		{name: "branch with too many elements", says: "do not fit", spoil: func(b []byte) []byte {
			each(b, flagBranch, func(page []byte) { order.PutUint16(page[10:], 60000) })
			return b
		}},
		{name: "branch points beyond the last page", says: "out of range", spoil: func(b []byte) []byte {
			h, _, _ := readHeads(bytes.NewReader(b))
			each(b, flagBranch, func(page []byte) { order.PutUint64(page[pageHeader+8:], h.limit) })
			return b
		}},
		{name: "key of a branch", salvaged: true, says: "its keys are out of order", spoil: func(b []byte) []byte {
			each(b, flagBranch, func(page []byte) {
				at := pageHeader + 5*elementSize
				copy(page[at+int(order.Uint32(page[at:])):], "key-00000")
			})
			return b
		}},
		{name: "first key of a branch", salvaged: true, says: "its keys are out of order", spoil: func(b []byte) []byte {
			each(b, flagBranch, func(page []byte) { copy(page[pageHeader+int(order.Uint32(page[pageHeader:])):], "a") })
			return b
		}},
		{name: "name of the bucket", says: "do not fit", spoil: func(b []byte) []byte { // outside of any bucket
			h, _, _ := readHeads(bytes.NewReader(b))
			order.PutUint16(b[h.root*4096+10:], 60000)
			return b
		}},
		{name: "kind of the root", says: "unexpected kind", spoil: func(b []byte) []byte {
			h, _, _ := readHeads(bytes.NewReader(b))
			order.PutUint16(b[h.root*4096+8:], 7)
			return b
		}},
		{name: "meta page that is not what was sealed", beside: true, says: "meta page 0: checksum does not match", spoil: func(b []byte) []byte {
			b[pageHeader+48] ^= 1
			return b
		}},
		{name: "free page that is not free", beside: true, says: "is not free", spoil: func(b []byte) []byte {
			h, _, _ := readHeads(bytes.NewReader(b))
			order.PutUint64(b[h.freelist*4096+pageHeader:], h.root)
			return b
		}},
		{name: "free page that is lost", beside: true, says: "1 pages are lost", spoil: func(b []byte) []byte {
			h, _, _ := readHeads(bytes.NewReader(b))
			list := b[h.freelist*4096:]
			order.PutUint16(list[10:], order.Uint16(list[10:])-1)
			return b
		}},
		{name: "leaf zeroed", salvaged: true, says: "page ", spoil: func(b []byte) []byte {
			clear(b[pagesOf(b, flagLeaf)[3]:][:4096])
			return b
		}},
		{name: "leaf of another number", salvaged: true, says: "its header is not its own", spoil: func(b []byte) []byte {
			each(b, flagLeaf, func(page []byte) {
				if bytes.Contains(page, []byte("key-02000")) {
					page[0] ^= 1
				}
			})
			return b
		}},
		{name: "record outside", salvaged: true, says: "a record lies outside", spoil: func(b []byte) []byte {
			each(b, flagLeaf, func(page []byte) {
				if bytes.Contains(page, []byte("key-02000")) {
					order.PutUint32(page[pageHeader+elementSize+12:], 1<<30)
				}
			})
			return b
		}},
		{name: "keys out of order", salvaged: true, says: "its keys are out of order", spoil: func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("key-02000"), []byte("key-00000"))
		}},
		{name: "key beyond the next page", salvaged: true, says: "its keys are out of order", spoil: func(b []byte) []byte {
			each(b, flagLeaf, func(page []byte) {
				if !bytes.Contains(page, []byte("key-02000")) {
					return
				}
				last := pageHeader + elementSize*(int(order.Uint16(page[10:]))-1)
				copy(page[last+int(order.Uint32(page[last+4:])):], "z")
			})
			return b
		}},
		{name: "list of free pages", beside: true, says: "free pages", spoil: func(b []byte) []byte {
			each(b, flagFreelist, func(page []byte) { order.PutUint64(page[pageHeader:], 1<<40) })
			return b
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			must(t, os.WriteFile(path, test.spoil(soundFile(t, Options{}, n)), 0o600))
			var sound, wrong int
			faults, err := Read(path, ReadOptions{Timeout: time.Second}, counted(&sound, &wrong))
			damage, damaged := errors.AsType[*DamageError](err)
			switch {
			case test.beside && (err != nil || len(faults) == 0 || !strings.Contains(faults[0], test.says) || sound != n || wrong > 0):
				t.Errorf("%d sound, %d wrong, faults %q, %v", sound, wrong, faults, err)
			case !test.beside && (!damaged || !strings.Contains(damage.What, test.says) || errors.Is(err, fs.ErrNotExist) || sound+wrong > 0):
				t.Errorf("%d sound, %d wrong, faults %q, %v", sound, wrong, faults, err)
			}
			sound, wrong = 0, 0
			faults, err = Read(path, ReadOptions{Timeout: time.Second, Salvage: true}, counted(&sound, &wrong))
			switch damage, damaged := errors.AsType[*DamageError](err); {
			case test.salvaged && (err != nil || len(faults) == 0 || sound == 0 || sound > n || len(slices.Compact(slices.Clone(faults))) < len(faults)):
				t.Errorf("salvaged %d sound, %d wrong, faults %q, %v", sound, wrong, faults, err)
			case !test.salvaged && !test.beside && (!damaged || !strings.Contains(damage.What, test.says) || sound+wrong > 0):
				t.Errorf("salvaged %d sound, %d wrong, faults %q, %v", sound, wrong, faults, err)
			}
		})
	}
	dir := t.TempDir()
	if _, err := Read(filepath.Join(dir, "missing"), ReadOptions{}, nothing); !errors.Is(err, fs.ErrNotExist) || err.Error() != "it is missing" {
		t.Errorf("missing: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "missing")); err == nil {
		t.Error("reading has made a file")
	}
	if _, err := Read(dir, ReadOptions{}, nothing); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a directory: %v", err)
	}
}

func TestBetween(t *testing.T) {
	for _, test := range []struct {
		from, before string
		keys         []string
		want         string
	}{
		{"", "", []string{"", "a", "b"}, "good good good"},
		{"", "", []string{"b", "b", "c", "a"}, "good bad good bad"},
		{"b", "d", []string{"b", "c"}, "good good"},
		{"b", "d", []string{"a", "c", "d", "e"}, "bad good bad bad"},
		{"b", "d", []string{"b", "b"}, "good bad"},
	} {
		var keys between
		if test.from != "" {
			keys = between{from: []byte(test.from), before: []byte(test.before)}
		}
		var got []string
		for _, key := range test.keys {
			got = append(got, map[bool]string{true: "good", false: "bad"}[keys.next([]byte(key))])
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q after %q, before %q: %q", test.keys, test.from, test.before, got)
		}
	}
}

// TestReadersOwnErrors are passed on as they are.
func TestReadersOwnErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	must(t, rebuilt(t, path, Options{}, filled(10)).Close())
	own := errors.New("a newer layout")
	for _, salvage := range []bool{false, true} {
		if faults, err := Read(path, ReadOptions{Salvage: salvage}, func(*bbolt.Tx) error { return own }); !errors.Is(err, own) || faults != nil {
			t.Errorf("%q, %v", faults, err)
		}
	}
	if _, err := Read(path, ReadOptions{}, func(*bbolt.Tx) error { panic("x") }); err == nil || !strings.Contains(err.Error(), "panic: x") {
		t.Errorf("panic: %v", err)
	}
	wantSound(t, path, 10)
}

func TestSummary(t *testing.T) {
	if got := Summary([]string{"a", "b", "c", "d", "e"}); got != "a; b; c; and 2 more" {
		t.Error(got)
	}
	if got := Summary([]string{"a", "b", "c"}); got != "a; b; c" {
		t.Error(got)
	}
}

// reseal makes the checksums of both meta pages right, so that what they say is believed.
func reseal(file []byte) {
	for _, at := range []int{0, 4096} {
		if len(file) >= at+pageHeader+metaSize {
			meta := file[at+pageHeader:]
			sum := fnv.New64a()
			_, _ = sum.Write(meta[:56])
			binary.NativeEndian.PutUint64(meta[56:], sum.Sum64())
		}
	}
}

// FuzzRead changes some bytes at two places of a good file, and may make the checksums of
// the meta pages right: nothing may panic or run for ever, and nothing that is not sound
// may be taken for it.
func FuzzRead(f *testing.F) {
	const n = 400
	files := [][]byte{soundFile(f, Options{}, n), soundFile(f, Options{NoFreelist: true}, n)}
	for at := 0; at < 36*4096; at += 3 * 4096 {
		for _, in := range []int{0, 8, 10, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64} {
			f.Add(uint32(at+in), []byte{0xff, 0xff, 0xff}, uint32(at), []byte(nil), in%16 == 0, at%8192 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, at uint32, other []byte, at2 uint32, other2 []byte, sealed, noFreelist bool) {
		file := bytes.Clone(files[0])
		if noFreelist {
			file = bytes.Clone(files[1])
		}
		copy(file[int(at)%len(file):], other)
		copy(file[int(at2)%len(file):], other2)
		if sealed {
			reseal(file)
		}
		path := filepath.Join(t.TempDir(), "x.db")
		must(t, os.WriteFile(path, file, 0o600))
		var sound, wrong int
		faults, err := Read(path, ReadOptions{}, counted(&sound, &wrong))
		// One that is taken for sound, by its seals too, can be written to.
		if err == nil && len(faults) == 0 && sound == n && wrong == 0 {
			d, err := Open(path, Options{})
			must(t, err, d.View(func(tx *bbolt.Tx) error {
				var all []error
				for err := range tx.Check() {
					all = append(all, err)
				}
				return errors.Join(all...)
			}), d.Update(filled(n)), d.Close())
			wantSound(t, path, n)
		}
		sound = 0
		if _, err := Read(path, ReadOptions{Salvage: true}, counted(&sound, &wrong)); err == nil && sound > n {
			t.Errorf("%d of %d", sound, n)
		}
	})
}
