package history

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

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
