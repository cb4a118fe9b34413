package history

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSmall bounds what an interval costs on disk.
func TestSmall(t *testing.T) {
	var marks []mark
	for i := range int64(chunkSize) {
		marks = append(marks, newMark(base.UnixMilli()+i*int64(3*time.Hour/time.Millisecond)+i*i, State(1+i%3)))
	}
	if n := len(encodeChunk(0, marks)); n > 5*chunkSize+8 {
		t.Errorf("%d intervals take %d bytes", chunkSize, n)
	}
}

// TestDamage spoils a file in many ways: the store opens, says so, and works. What it
// still has is what was there.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s, c := opened(t, Options{Path: dir})
	for i := range 300 {
		c.at = c.at.Add(time.Minute)
		for n := range 50 {
			s.Note(fmt.Sprint("subject ", n), c.at, []State{Healthy, Unhealthy}[i%2])
		}
		if i%50 == 0 {
			flush(t, s)
		}
	}
	shut(t, s)
	now := c.at
	whole := s.Read("subject 1", at(0), now)
	sound, err := os.ReadFile(filepath.Join(dir, fileDB))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	ways := map[string]func([]byte) []byte{
		"empty":     func(b []byte) []byte { return nil },
		"cut":       func(b []byte) []byte { return b[:len(b)/2] },
		"cut short": func(b []byte) []byte { return b[:100] },
		"text":      func(b []byte) []byte { return []byte("no database\n") },
		"zeros":     func(b []byte) []byte { return make([]byte, len(b)) },
		"swapped pages": func(b []byte) []byte {
			last := len(b)/4096 - 1
			return slices.Concat(b[:8192], b[last*4096:], b[12288:last*4096], b[8192:12288])
		},
	}
	for i := range 12 {
		ways[fmt.Sprint("bits ", i)] = func(b []byte) []byte {
			for range 1 + r.IntN(40) {
				b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			}
			return b
		}
		ways[fmt.Sprint("page ", i)] = func(b []byte) []byte {
			at := r.IntN(len(b)/4096) * 4096
			for i := range 4096 {
				b[at+i] = byte(r.Uint32())
			}
			return b
		}
		ways[fmt.Sprint("heads ", i)] = func(b []byte) []byte {
			for at := 8192; at < len(b); at += 4096 {
				b[at+r.IntN(64)] ^= 1 << r.IntN(8)
			}
			return b
		}
	}
	for name, spoil := range ways {
		dir := holding(t, spoil(bytes.Clone(sound)))
		c := &fakeClock{now}
		s, err := OpenAt(Options{Path: dir}, c.now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// Without its newest meta page bbolt goes back by one write, as after a loss of power.
		got := s.Read("subject 1", at(0), now)
		if n := len(got) - 2; !s.Stats().Recovered && (n < 200 || !slices.Equal(got[:n], whole[:n])) {
			t.Errorf("%s: %d intervals of %d, and nothing is said of it: %+v", name, len(got), len(whole), s.Stats())
		}
		aside, _ := filepath.Glob(filepath.Join(dir, fileDB+".corrupt-"+"*"))
		if stats := s.Stats(); stats.Recovered != (len(aside) == 1) || stats.Recovered != (stats.Damage != "") || stats.Problem != "" {
			t.Errorf("%s: aside %q, %+v", name, aside, stats)
		}
		c.at = now.Add(time.Hour)
		s.Note("subject 1", c.at, Degraded)
		shut(t, s)
		l, err := load(filepath.Join(dir, fileDB))
		if err != nil || len(l.faults) > 0 || l.subjects["subject 1"] == nil {
			t.Errorf("%s: afterwards %v %v", name, err, l.faults)
		}
	}
}

// TestPagesInACircle: bbolt itself would follow them for ever.
func TestPagesInACircle(t *testing.T) {
	const branchPage, pageHeader = 1, 16 // of bbolt
	dir := t.TempDir()
	s, c := opened(t, Options{Path: dir})
	for i := range 2000 {
		s.Note(fmt.Sprint("subject ", i), c.at, Healthy)
	}
	c.at = at(time.Minute)
	shut(t, s)
	data, err := os.ReadFile(filepath.Join(dir, fileDB))
	if err != nil {
		t.Fatal(err)
	}
	size, bent := os.Getpagesize(), 0
	for at := 2 * size; at < len(data); at += size {
		if page := data[at:]; binary.NativeEndian.Uint16(page[8:]) == branchPage {
			copy(page[pageHeader+8:pageHeader+16], page[:8]) // its first child is itself
			bent++
		}
	}
	if bent == 0 {
		t.Fatal("there is no branch: the file is too small")
	}
	again, err := OpenAt(Options{Path: holding(t, data)}, c.now)
	if err != nil {
		t.Fatal(err)
	}
	if stats := again.Stats(); !stats.Recovered || !strings.Contains(stats.Damage, "used twice") {
		t.Errorf("%+v", stats)
	}
	shut(t, again)
}

func TestMovedAsideIsBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range keptDamaged + 3 {
		if err := os.WriteFile(filepath.Join(dir, fileDB), []byte("broken"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := &fakeClock{at(time.Duration(i) * time.Second)}
		s, err := OpenAt(Options{Path: dir}, c.now)
		if err != nil {
			t.Fatal(err)
		}
		shut(t, s)
	}
	if aside, _ := filepath.Glob(filepath.Join(dir, fileDB+".corrupt-"+"*")); len(aside) != keptDamaged {
		t.Errorf("%q", aside)
	}
}

func FuzzDecodeChunk(f *testing.F) {
	f.Add(encodeChunk(0, []mark{newMark(base.UnixMilli(), Healthy)}))
	f.Add(encodeChunk(3, []mark{newMark(-5, Healthy), newMark(0, NoData), newMark(1<<41, Unhealthy|Paused)}))
	f.Add([]byte{})
	f.Add([]byte{0, 255, 255, 3})
	f.Fuzz(func(t *testing.T, body []byte) {
		skip, marks, err := decodeChunk(body)
		if err != nil {
			return
		}
		if len(marks) == 0 || skip+len(marks) > chunkSize || !slices.IsSorted(marks) {
			t.Fatalf("%d %v", skip, marks)
		}
		again, same, err := decodeChunk(encodeChunk(skip, marks))
		if err != nil || again != skip || !slices.Equal(same, marks) {
			t.Fatalf("%v: %v became %v", err, marks, same)
		}
	})
}
