package history

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// Names that come and go are forgotten before they are many, those first that ended
// first; what is still there is never.
func TestGoneSubjectsAreBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	dir := t.TempDir()
	at := func() time.Time { return now }
	s, err := OpenAt(Options{Path: dir}, at)
	if err != nil {
		t.Fatal(err)
	}
	name := func(i int) string { return fmt.Sprintf("gone%06d", i) }
	for i := range 500 {
		s.Note(fmt.Sprint("stays", i), now, Healthy)
	}
	const churned = maxGone + 5000
	for i := range churned {
		now = now.Add(time.Millisecond)
		s.Note(name(i), now, Healthy)
		now = now.Add(time.Millisecond)
		s.Note(name(i), now, NoData)
		if i%1000 == 0 {
			s.Note("comes back", now, Healthy)
			s.Note("comes back", now.Add(time.Millisecond), NoData)
			now = now.Add(2 * time.Millisecond)
			s.Note("comes back", now, Healthy)
		}
	}
	known := s.Known()
	if n := len(known) - 501; n > maxGone || n < maxGone*9/10 {
		t.Errorf("%d that are gone are known, at most %d should be", n, maxGone)
	}
	for _, want := range []string{"stays0", "stays499", "comes back", name(churned - 1), name(churned - maxGone*9/10)} {
		if !slices.Contains(known, want) {
			t.Errorf("%s is forgotten", want)
		}
	}
	if slices.Contains(known, name(0)) {
		t.Error("the first one that was gone is still known")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// After a start nothing is known of a while, which ends nobody.
	now = now.Add(time.Minute)
	if s, err = OpenAt(Options{Path: dir}, at); err != nil {
		t.Fatal(err)
	}
	if got := s.Known(); !slices.Equal(got, known) {
		t.Errorf("after a start %d are known, not %d", len(got), len(known))
	}
	s.Note(name(churned), now, Healthy)
	s.Note(name(churned), now.Add(time.Millisecond), NoData)
	if got := len(s.Known()); got != len(known)+1 {
		t.Errorf("one more is gone, and %d are known, not %d", got, len(known)+1)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// What ended before the start counts too, once each that there is was noted.
func TestGoneBeforeTheStartAreBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := newStore(Options{}, func() time.Time { return now })
	for i := range maxGone + 2000 {
		l := new(timeline)
		l.add(milli(now), Healthy)
		l.add(milli(now)+int64(i)+1, NoData)
		s.subjects[fmt.Sprintf("%06d", i)] = l
	}
	now = now.Add(time.Hour)
	for i := range 100 {
		s.Note(fmt.Sprintf("%06d", i), now, Healthy)
	}
	s.tidy(now)
	known := s.Known()
	if len(known) != maxGone+100 || known[99] != "000099" || known[100] != "002000" {
		t.Errorf("%d are known, the first after those that are there is %s", len(known), known[100])
	}
	if len(s.gone) != maxGone {
		t.Errorf("%d are counted as gone", len(s.gone))
	}
}
