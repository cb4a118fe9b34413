package history

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"
)

func flush(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.flush(); err != nil {
		t.Fatal(err)
	}
}

func shut(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// copied is a directory with a copy of the file, as a power loss would leave it.
func copied(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, fileDB))
	if err != nil {
		t.Fatal(err)
	}
	return holding(t, data)
}

func holding(t *testing.T, data []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileDB), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestDownTimeIsNoData: after a restart nothing is known of the time between the last
// beat and the start, and the state is the one of before only when somebody says so.
func TestDownTimeIsNoData(t *testing.T) {
	dir := t.TempDir()
	s, c := opened(t, Options{Path: dir})
	s.Note("a", at(0), Healthy)
	c.at = at(10 * time.Minute)
	s.Note("a", c.at, Unhealthy)
	c.at = at(20 * time.Minute)
	flush(t, s)
	lost := copied(t, dir)
	c.at = at(30 * time.Minute)
	shut(t, s)

	for _, test := range []struct {
		name, dir string
		alive     time.Duration
	}{{"closed", dir, 30 * time.Minute}, {"power lost", lost, 20 * time.Minute}} {
		c := &fakeClock{at(time.Hour)}
		s, err := OpenAt(Options{Path: test.dir}, c.now)
		if err != nil {
			t.Fatal(err)
		}
		c.at = at(61 * time.Minute)
		s.Note("a", at(10*time.Minute), Unhealthy) // since long ago
		want := []Interval{
			{at(0), at(10 * time.Minute), Healthy},
			{at(10 * time.Minute), at(test.alive), Unhealthy},
			{at(test.alive), at(time.Hour), NoData},
			{at(time.Hour), at(61 * time.Minute), Unhealthy},
		}
		if diff := cmp.Diff(want, s.Read("a", at(0), c.at)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		if s.Stats().Recovered {
			t.Errorf("%s: %+v", test.name, s.Stats())
		}
		shut(t, s)
	}
}

// TestSameAfterRestart writes random changes in many batches and wants all of it back.
func TestSameAfterRestart(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	dir := t.TempDir()
	s, c := opened(t, Options{Path: dir, MaxPerSubject: 1000, Keep: 400 * time.Hour})
	for round := range 60 {
		for range 200 {
			c.at = c.at.Add(time.Duration(1+r.IntN(100_000)) * time.Millisecond)
			subject := fmt.Sprint("s", min(r.IntN(12), r.IntN(12)))
			s.Note(subject, c.at, []State{Healthy, Unhealthy, Degraded | Maintenance, Paused, NoData}[r.IntN(5)])
		}
		if r.IntN(3) > 0 {
			flush(t, s)
		}
		switch r.IntN(10) {
		case 0:
			s.tidy(c.at)
		case 1:
			s.Forget(c.at)
		case 2:
			s.slept(c.at, c.at.Add(time.Minute))
			c.at = c.at.Add(time.Hour)
		}
		if round%7 != 6 {
			continue
		}
		before := map[string][]Interval{}
		for _, subject := range s.Known() {
			before[subject] = s.Read(subject, at(-time.Hour), c.at)
		}
		shut(t, s)
		if got, err := load(filepath.Join(dir, fileDB)); err != nil || len(got.faults) > 0 {
			t.Fatalf("%v %v", err, got.faults)
		}
		var err error
		if s, err = OpenAt(Options{Path: dir, MaxPerSubject: 1000, Keep: 400 * time.Hour}, c.now); err != nil {
			t.Fatal(err)
		}
		for subject, want := range before {
			got := s.Read(subject, at(-time.Hour), c.at)
			for _, list := range []*[]Interval{&got, &want} { // the last may end by a fraction of a millisecond earlier
				if n := len(*list); n > 0 && (*list)[n-1].To.Sub((*list)[n-1].From) < time.Millisecond {
					*list = (*list)[:n-1]
				}
				if n := len(*list); n > 0 {
					(*list)[n-1].To = (*list)[n-1].To.Truncate(time.Millisecond)
				}
			}
			// A chunk on disk may have what was trimmed in memory.
			if len(got) < len(want) || !slices.Equal(got[len(got)-len(want)+1:], want[1:]) {
				t.Fatalf("%s: %s", subject, cmp.Diff(want, got))
			}
		}
	}
	shut(t, s)
}

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

// TestNobodyWaitsForTheDisk keeps the disk busy and reads and notes meanwhile.
func TestNobodyWaitsForTheDisk(t *testing.T) {
	s, c := opened(t, Options{Path: t.TempDir()})
	flush(t, s)
	s.Note("a", c.at, Healthy)
	busy, let, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- s.disk.db.Update(func(*bolt.Tx) error {
			close(busy)
			<-let
			return nil
		})
	}()
	<-busy
	began, written := make(chan struct{}), make(chan error, 1)
	go func() {
		close(began)
		_, err := s.flush()
		written <- err
	}()
	<-began
	for s.writing.TryLock() { // until the write is under way
		s.writing.Unlock()
		runtime.Gosched()
	}
	s.Note("b", c.at, Unhealthy)
	if got := s.Buckets("b", at(-time.Minute), time.Minute, 2); len(got) != 2 || len(s.Known()) != 2 {
		t.Errorf("%v, %q", got, s.Known())
	}
	select {
	case err := <-written:
		t.Fatalf("it was written while the disk was busy: %v", err)
	default:
	}
	close(let)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	shut(t, s)
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

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	s, _ := opened(t, Options{Path: dir})
	defer shut(t, s)
	flush(t, s)
	if _, err := Open(Options{Path: dir}); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a second one: %v", err)
	}
}

// lockedBuffer may be read while something is logged.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestFailingDisk: what cannot be written stays in memory, it is logged once, and
// written when the disk has recovered.
func TestFailingDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedBuffer
		dir := filepath.Join(t.TempDir(), "storage")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		s, err := Open(Options{Path: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		go s.Run(t.Context())
		s.Note("a", start, Healthy)
		time.Sleep(6 * time.Second)
		if stats := s.Stats(); stats.Problem != "" || stats.Bytes == 0 || stats.LastWrite.IsZero() {
			t.Errorf("%+v", stats)
		}
		if err := s.disk.db.File().Close(); err != nil { // writing fails with something else than a full disk
			t.Fatal(err)
		}
		if err := os.Rename(dir, dir+"-gone"); err != nil {
			t.Fatal(err)
		}
		s.Note("a", time.Now(), Unhealthy)
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if stats := s.Stats(); stats.Problem == "" || stats.Errors < 50 {
			t.Errorf("%+v", stats)
		}
		if got := s.Sum("a", start, time.Now()); got.Healthy != 6*time.Second || got.Unhealthy != 30*time.Minute {
			t.Errorf("%+v", got)
		}
		if n := strings.Count(log.String(), "cannot be written"); n != 1 {
			t.Errorf("logged %d times: %s", n, log.String())
		}
		if err := os.Rename(dir+"-gone", dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if stats := s.Stats(); stats.Problem != "" {
			t.Errorf("%+v", stats)
		}
		if n := strings.Count(log.String(), "is written again"); n != 1 {
			t.Errorf("logged %d times: %s", n, log.String())
		}
		l, err := load(filepath.Join(copied(t, dir), fileDB))
		if err != nil || len(l.faults) > 0 || len(l.subjects["a"].marks) != 2 || l.beat < time.Now().Add(-31*time.Second).UnixMilli() {
			t.Errorf("%v %+v", err, l)
		}
		if err := os.Remove(filepath.Join(dir, fileDB)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(31 * time.Second) // the next beat finds out
		synctest.Wait()
		if l, err := load(filepath.Join(copied(t, dir), fileDB)); err != nil || len(l.subjects["a"].marks) != 2 {
			t.Errorf("removed: %v %+v", err, l)
		}
	})
}

// TestKilled kills a process that keeps a history.
func TestKilled(t *testing.T) {
	const variable = "HISTORY_TEST_DIR"
	if dir := os.Getenv(variable); dir != "" {
		s, err := Open(Options{Path: dir})
		if err != nil {
			t.Fatal(err)
		}
		before := len(s.timeline("a").marks)
		for i, said := 0, false; ; i++ {
			s.Note("a", time.Now(), []State{Healthy, Unhealthy}[i%2])
			if _, err := s.flush(); err != nil {
				t.Fatal(err)
			}
			if !said && len(s.timeline("a").marks) >= before+20 {
				fmt.Println("ready")
				said = true
			}
		}
	}
	dir := t.TempDir()
	for round := range 3 {
		child := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		child.Env = append(os.Environ(), variable+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil || line != "ready\n" {
			t.Fatalf("%q %v", line, err)
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()
		l, err := load(filepath.Join(dir, fileDB))
		if err != nil || len(l.faults) > 0 || len(l.subjects["a"].marks) < 20*(round+1) {
			t.Fatalf("round %d: %v %+v", round, err, l)
		}
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
