package journal

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// TestEachStepFails: wherever a transaction is stopped, events and states stay together,
// nothing is lost or doubled, and it goes on.
func TestEachStepFails(t *testing.T) {
	stop := errors.New("stopped")
	for at := 1; ; at++ {
		path := filepath.Join(t.TempDir(), "db")
		f := opened(t, path, Options{Most: 12, Recent: 4})
		f.must(t, events(1, 11)...)
		publish, _ := f.Append(nil, []Event{event(12)})
		publish()
		steps := []string{}
		f.before = func(step string) error {
			if steps = append(steps, step); len(steps) == at {
				return stop
			}
			return nil
		}
		err := f.write(events(13, 15)...)
		if err == nil {
			if want := []string{"put", "put", "put", "put", "number", "delete", "delete", "delete"}; !slices.Equal(steps, want) {
				t.Errorf("the steps are %q, want %q", steps, want)
			}
			return // each step has failed once
		}
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		wantEvents(t, readAll(t, f.Journal, 8), 9, 9, 12)
		f.before = func(string) error { return nil }
		together(t, f, 11)
		f.must(t, events(13, 15)...)
		wantEvents(t, readAll(t, f.Journal, 8), 9, 9, 15)
		together(t, f, 14) // event 12 was published without a state
		_ = f.db.Close()
		f = opened(t, path, Options{Most: 12, Recent: 4})
		wantEvents(t, readAll(t, f.Journal, 8), 9, 9, 15)
		if got := f.faults(t); got != nil {
			t.Errorf("stopped at %d: faults %q", at, got)
		}
	}
}

func together(t *testing.T, f *file, want uint64) {
	t.Helper()
	if err := f.db.View(func(tx *bbolt.Tx) error {
		if got := counted(tx); got != want {
			t.Errorf("the state counts %d, want %d", got, want)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// writeUntilKilled writes transactions of several events, and tells of each that is
// committed.
func writeUntilKilled(path string) {
	f, err := openFile(path, Options{Most: 200, Recent: 10})
	if err != nil {
		panic(err)
	}
	for {
		n := int(f.Head())
		if err := f.write(events(n+1, n+1+rand.IntN(20))...); err != nil {
			panic(err)
		}
		_, _ = fmt.Println(f.Head())
	}
}

// TestKilled kills the writer at random moments, again and again on one file: states and
// events are always those of one moment, and what was committed is there.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	rounds := 0
	for range 12 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "JOURNAL_TEST_FILE="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var told uint64
		for lines := bufio.NewScanner(out); lines.Scan(); rounds++ {
			if told == 0 {
				time.AfterFunc(time.Duration(rand.IntN(50))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			}
			if _, err := fmt.Sscan(lines.Text(), &told); err != nil {
				t.Fatal(lines.Text())
			}
		}
		_ = cmd.Wait()
		f, err := openFile(path, Options{Most: 200, Recent: 10})
		if err != nil {
			t.Fatal(err)
		}
		if f.Head() < told {
			t.Errorf("head %d, but %d was committed", f.Head(), told)
		}
		together(t, f, f.Head())
		if got := f.faults(t); got != nil {
			t.Errorf("faults: %q", got)
		}
		n := int(f.Head())
		from := max(n-150, 0)
		wantEvents(t, readAll(t, f.Journal, uint64(from)), uint64(from+1), from+1, n)
		_ = f.db.Close()
	}
	if rounds == 0 {
		t.Error("nothing was ever committed")
	}
}
