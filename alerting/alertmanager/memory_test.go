package alertmanager

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/alerting"
)

// TestStoriesHoldTogether tries random histories: of each subject at most one alert
// fires, no alert both fires and has ended, ends are after beginnings and do not
// change, the newest beginning is that of the alert that fires, and what is saved
// piece by piece is all there is.
func TestStoriesHoldTogether(t *testing.T) {
	t.Parallel()
	const retention = 15 * time.Minute
	for seed := range uint64(15) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		w := newScene()
		saved := map[string][]byte{}
		ends := map[string]time.Time{}
		for range 300 {
			w.mutate(rnd)
			stories := w.memory.look(w.journal.round(w.list(), w.memory, w.now), "x:1", w.now, retention)
			before := ends
			ends = map[string]time.Time{} // the same alert may fire again when its end is forgotten
			for _, s := range stories {
				checkStory(t, s, before, ends)
			}
			changes, err := w.memory.changes()
			if err != nil {
				t.Fatal(err)
			}
			for key, part := range changes {
				saved[key] = part
				if part == nil {
					delete(saved, key)
				}
			}
			if rnd.IntN(5) > 0 {
				continue
			}
			restored := new(Memory)
			if err := restored.restore(saved); err != nil {
				t.Fatal(err)
			}
			again := restored.look(w.journal.round(w.list(), restored, w.now), "x:1", w.now, retention)
			if diff := cmp.Diff(stories, again, cmp.AllowUnexported(story{})); diff != "" {
				t.Fatalf("seed %d: after a restart (-before +after):\n%s", seed, diff)
			}
			w.memory = restored
		}
		// In the end all have gone, and nothing is kept.
		clear(w.subjects)
		for range 2 {
			w.memory.look(w.journal.round(nil, w.memory, w.now), "x:1", w.now, retention)
			w.now = w.now.Add(time.Hour)
		}
		w.memory.look(w.journal.round(nil, w.memory, w.now), "x:1", w.now, retention)
		changes, err := w.memory.changes()
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(saved, changes)
		for key, part := range saved {
			if part != nil && key != checksKey {
				t.Errorf("kept is %q: %s", key, part)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func checkStory(t *testing.T, s story, before, ends map[string]time.Time) {
	t.Helper()
	firing, identities := 0, map[string]bool{}
	var newest time.Time
	for i, a := range s.alerts {
		id := fmt.Sprint(a.Labels)
		if identities[id] {
			t.Errorf("%q: %s is given twice", s.key, id)
		}
		identities[id] = true
		if a.EndsAt.IsZero() {
			firing++
			if i != len(s.alerts)-1 || !a.StartsAt.After(newest) {
				t.Errorf("%q: the alert that fires is not the last: %v", s.key, s.alerts)
			}
		} else {
			if a.EndsAt.Before(a.StartsAt) {
				t.Errorf("%q: %s ends before it begins", s.key, id)
			}
			id += a.StartsAt.String()
			if end, ok := before[id]; ok && !end.Equal(a.EndsAt) {
				t.Errorf("%q: the end has moved from %v to %v", id, end, a.EndsAt)
			}
			ends[id] = a.EndsAt
		}
		newest = later(newest, a.StartsAt)
	}
	if firing > 1 || len(s.alerts) == 0 {
		t.Errorf("%q: %d alerts fire of %d", s.key, firing, len(s.alerts))
	}
}

// BenchmarkLook has 10 000 targets, of which 1 % is bad.
func BenchmarkLook(b *testing.B) {
	subjects := make([]alerting.Subject, 10_000)
	now := time.Now()
	for i := range subjects {
		subjects[i] = alerting.Subject{Kind: alerting.Target, Name: fmt.Sprint("target ", i), State: healthy, Since: now}
		if i%100 == 0 {
			subjects[i].State = unhealthy
		}
	}
	memory, j := new(Memory), journal{}
	memory.look(j.round(subjects, memory, now), "x:1", now, time.Minute)
	r := j.round(subjects, memory, now)
	b.ReportAllocs()
	for b.Loop() {
		memory.look(r, "x:1", now, time.Minute)
	}
}
