package history

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	s, _ := opened(t, Options{Path: dir})
	defer shut(t, s)
	flush(t, s)
	if _, err := Open(Options{Path: dir}); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a second one: %v", err)
	}
}
