package history

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// words are the states of a subject in the hour after base, without the data that lacks
// before and after.
func words(s *Store, subject string) string {
	var list []string
	for _, i := range s.Read(subject, base.Add(-time.Hour), base.Add(time.Hour)) {
		word := i.State.Verdict().String()
		for flag, name := range map[State]string{NoData: "no data", Paused: word + " paused", Maintenance: word + " maintained", Paused | Maintenance: word + " both"} {
			if i.State&^verdictBits == flag {
				word = name
			}
		}
		list = append(list, word)
	}
	return strings.Join(list, ", ")
}

// TestTakeFolds: an event says what begins and ends, and the rest stays as it is.
func TestTakeFolds(t *testing.T) {
	s, c := opened(t, Options{})
	events := []Event{
		{Verdict: Unknown, Clear: Paused | Maintenance},
		{Verdict: Healthy},
		{Verdict: Healthy, Set: Maintenance},
		{Verdict: Healthy, Set: Paused},
		{Verdict: Unknown, Clear: Paused},
		{Verdict: Unhealthy},
		{Verdict: Unhealthy},
		{Verdict: Unhealthy, Clear: Maintenance},
		{End: true, Verdict: Unhealthy},
		{Verdict: Unknown, Clear: Paused | Maintenance, Set: Maintenance},
		{Verdict: NoData | Healthy},
	}
	for i := range events {
		events[i].Subject, events[i].At = "a", at(time.Duration(i+1)*time.Minute)
	}
	c.at = at(30 * time.Minute)
	s.Take(events, 11)
	want := "no data, unknown, healthy, healthy maintained, healthy both, unknown maintained, unhealthy maintained, unhealthy, no data, unknown maintained, healthy maintained, no data"
	if got := words(s, "a"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if seq, ok := s.Cursor(); seq != 11 || !ok || s.State("a") != Healthy|Maintenance || s.State("b") != NoData {
		t.Errorf("cursor %d, %v", seq, ok)
	}
}

// TestCursorOfOldFiles: whoever has never taken events does not know where he is, also
// after a restart, and after damage.
func TestCursorOfOldFiles(t *testing.T) {
	dir := t.TempDir()
	s, c := opened(t, Options{Path: dir})
	s.Note("a", c.at, Healthy)
	if _, ok := s.Cursor(); ok {
		t.Error("it knows at once")
	}
	shut(t, s)
	if s, _ = opened(t, Options{Path: dir}); s.stats.Recovered {
		t.Errorf("an old file is damaged: %s", s.stats.Damage)
	}
	if _, ok := s.Cursor(); ok {
		t.Error("it knows of an old file")
	}
	s.Take([]Event{{Subject: "a", At: c.at, Verdict: Unhealthy}}, 77)
	shut(t, s)
	s, _ = opened(t, Options{Path: dir})
	if seq, ok := s.Cursor(); seq != 77 || !ok {
		t.Errorf("cursor %d, %v", seq, ok)
	}
	shut(t, s)
}

// TestEachEventOnce: wherever the exporter is killed, what was written and what is caught
// up are together what happened, and nothing twice.
func TestEachEventOnce(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		var all []Event
		for i := range 60 {
			e := Event{Subject: fmt.Sprint(random.IntN(3)), At: at(time.Duration(i+1) * time.Second), Verdict: State(random.IntN(4))}
			switch random.IntN(8) {
			case 0:
				e.End = true
			case 1:
				e.Set = Paused
			case 2:
				e.Clear = Paused
			}
			all = append(all, e)
		}
		dir := t.TempDir()
		s, c := opened(t, Options{Path: dir})
		whole, wholeClock := opened(t, Options{})
		var copies []string
		for n := 0; n < len(all); {
			more := min(1+random.IntN(9), len(all)-n)
			c.at = all[n+more-1].At.Add(time.Duration(random.IntN(2)) * 500 * time.Millisecond)
			s.Take(all[n:n+more], uint64(n+more))
			wholeClock.at = c.at
			whole.Take(all[n:n+more], uint64(n+more))
			if n += more; random.IntN(3) == 0 {
				flush(t, s)
				copies = append(copies, copied(t, dir))
			}
		}
		shut(t, s)
		wholeClock.at = at(time.Hour)
		for _, dir := range copies {
			back, err := OpenAt(Options{Path: dir}, func() time.Time { return at(10 * time.Minute) })
			if err != nil {
				t.Fatal(err)
			}
			seq, ok := back.Cursor()
			if !ok {
				t.Fatal("no cursor")
			}
			back.CatchUp(all[seq:], uint64(len(all)))
			last := all[len(all)-1].At
			for subject := range whole.subjects {
				got, want := back.Read(subject, base.Add(-time.Minute), last), whole.Read(subject, base.Add(-time.Minute), last)
				if !slices.Equal(got, want) {
					t.Fatalf("seed %d, from %d: %s has\n%v, want\n%v", seed, seq, subject, got, want)
				}
				if after := back.Read(subject, last.Add(time.Second), last.Add(time.Minute)); len(after) != 1 || after[0].State != NoData {
					t.Fatalf("seed %d, from %d: %s has %v after the end", seed, seq, subject, after)
				}
			}
			if seq, _ := back.Cursor(); seq != uint64(len(all)) {
				t.Errorf("cursor %d", seq)
			}
			back.Note("0", at(10*time.Minute), Healthy)
			if got := back.State("0"); got != Healthy {
				t.Errorf("afterwards %v", got)
			}
			shut(t, back)
		}
	}
}

// TestMarksAndCursorAreOfOneMoment: what is written has of the events those up to the
// cursor and no others, while they are taken.
func TestMarksAndCursorAreOfOneMoment(t *testing.T) {
	dir := t.TempDir()
	s, c := opened(t, Options{Path: dir})
	c.at = at(time.Hour)
	flush(t, s)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := range 3000 {
			state := Healthy
			if i%2 == 0 {
				state = Unhealthy
			}
			s.Take([]Event{{Subject: "a", At: at(time.Duration(i+1) * time.Millisecond), Verdict: state}}, uint64(i+1))
		}
	}()
	for done := false; !done; {
		select {
		case <-ended:
			done = true
		default:
		}
		flush(t, s)
		back, err := load(copied(t, dir) + "/" + fileDB)
		if err != nil {
			t.Fatal(err)
		}
		n := uint64(0)
		if tl := back.subjects["a"]; tl != nil {
			n = tl.end()
		}
		if n != back.cursor.seq {
			t.Fatalf("%d marks, and the cursor is %d", n, back.cursor.seq)
		}
	}
	shut(t, s)
}
