package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/internal/journal"
)

// attentive is a reader that notes what it is told.
type attentive struct {
	known uint64
	ok    bool
	err   error

	mu   sync.Mutex
	told []string
}

func (l *attentive) cursor() (uint64, bool) { return l.known, l.ok }

func (l *attentive) note(what string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, what)
	return l.err
}

func (l *attentive) begin(seq uint64) error { return l.note(fmt.Sprint("all at ", seq)) }

func (l *attentive) take(events []journal.Event) error {
	for _, e := range events {
		_ = l.note(e.Name)
	}
	return l.err
}

func tell(t *testing.T, j *journal.Journal, names ...string) {
	t.Helper()
	var events []journal.Event
	for _, name := range names {
		events = append(events, journal.Event{Time: time.Now(), Name: name})
	}
	publish, err := j.Append(nil, events)
	if err != nil {
		t.Fatal(err)
	}
	publish()
}

func TestReading(t *testing.T) {
	tests := []struct {
		name   string
		reader *attentive
		kept   int
		want   []string
	}{
		{"a new one", &attentive{}, 100, []string{"all at 3", "d", "e"}},
		{"one that has read it all", &attentive{known: 0, ok: true}, 100, []string{"a", "b", "c", "d", "e"}},
		{"one of a journal that is lost", &attentive{known: 2, ok: true}, 100, []string{"all at 3", "d", "e"}},
		{"one that fails", &attentive{ok: true, err: errors.New("disk full")}, 100, []string{"a", "b", "c", "d", "e"}},
		{"one that is behind", &attentive{ok: true}, 1, []string{"all at 3", "d", "e"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := journal.New(journal.Options{Recent: test.kept})
				tell(t, j, "a")
				tell(t, j, "b")
				tell(t, j, "c")
				r := reading{journal: j, reader: test.reader, log: slog.New(slog.DiscardHandler)}
				r.start()
				ctx, stop := context.WithCancel(t.Context())
				var work sync.WaitGroup
				work.Go(func() { r.run(ctx) })
				synctest.Wait()
				tell(t, j, "d")
				synctest.Wait()
				stop()
				work.Wait()
				tell(t, j, "e")
				r.drain()
				if !slices.Equal(test.reader.told, test.want) {
					t.Errorf("told %q, want %q", test.reader.told, test.want)
				}
			})
		})
	}
}

// TestDeadlines are met in order, also those that are set, moved or taken back meanwhile.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, began := newDeadlines(), time.Now()
		ctx, stop := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() { d.run(ctx) })
		var mu sync.Mutex
		var met []string
		after := func(s int) time.Time { return began.Add(time.Duration(s) * time.Second) }
		note := func(name string) func(time.Time) {
			return func(now time.Time) {
				mu.Lock()
				defer mu.Unlock()
				met = append(met, fmt.Sprintf("%s at %v", name, now.Sub(began)))
			}
		}
		d.set("late", after(7200), note("late"))
		d.set("moved", after(10), note("never"))
		d.set("taken back", after(5), note("never"))
		d.set("again", after(20), func(now time.Time) {
			note("again")(now)
			d.set("again", now.Add(20*time.Second), note("again"))
		})
		d.set("moved", after(30), note("moved"))
		d.set("taken back", time.Time{}, nil)
		d.set("past", after(-1), note("past"))
		time.Sleep(3 * time.Hour)
		stop()
		work.Wait()
		want := []string{"past at 0s", "again at 20s", "moved at 30s", "again at 40s", "late at 2h0m0s"}
		if !slices.Equal(met, want) {
			t.Errorf("met %q, want %q", met, want)
		}
	})
}
