package alertmanager

import (
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
)

// cursor says how far the journal was read.
type cursor struct {
	Seq uint64 `json:"seq"`
	// Known is false as long as nothing was read.
	Known bool `json:"known"`
}

// events are what has happened since the last look. Of a subject it counts how it was
// before the first of them, and whether it exists after the last.
type events struct {
	mu      sync.Mutex // protects all following fields
	at      cursor
	touched map[string]glimpse
	all     []alerting.Subject // what Begin was given; nil for nothing
}

// restore reads what was saved, once.
func (a *Pusher) restore() {
	a.restored.Do(func() {
		a.damage = a.memory.restore(a.Saved)
		a.news = make(chan struct{}, 1)
		a.events.at = a.memory.cursor
		a.events.touched = map[string]glimpse{}
	})
}

// Cursor is the place in the journal of the event that was taken in last. ok is false if
// what happened before is not known, and Begin must follow.
func (a *Pusher) Cursor() (seq uint64, ok bool) {
	a.restore()
	a.events.mu.Lock()
	defer a.events.mu.Unlock()
	return a.events.at.Seq, a.events.at.Known
}

// Begin takes in how all subjects are, as of a place in the journal.
func (a *Pusher) Begin(subjects iter.Seq[*alerting.Subject], seq uint64) error {
	a.restore()
	var all []alerting.Subject
	for s := range subjects {
		if worthALook(s) {
			all = append(all, *s)
		}
	}
	a.events.mu.Lock()
	defer a.events.mu.Unlock()
	a.events.all, a.events.at = append(a.events.all, all...), cursor{seq, true}
	a.wake()
	return nil
}

// worthALook reports whether anything may be told of a subject of which nothing is
// remembered. Checks are remembered all.
func worthALook(s *alerting.Subject) bool {
	return s.Kind == alerting.Check || alerting.Bad(s.State) || !s.Gone.IsZero() || s.Stalled
}

// Take takes in what happened next, oldest first. It is told, and saved together with its
// place in the journal, at the next look. It never fails.
func (a *Pusher) Take(list []alerting.Event) error {
	a.restore()
	a.events.mu.Lock()
	defer a.events.mu.Unlock()
	for i := range list {
		a.events.take(&list[i])
		a.events.at = cursor{list[i].Seq, true}
	}
	a.wake()
	return nil
}

func (a *Pusher) wake() {
	select {
	case a.news <- struct{}{}:
	default:
	}
}

// take notes one event; mu is held.
func (e *events) take(event *alerting.Event) {
	key := event.Key()
	g, touched := e.touched[key]
	if !touched {
		g.state = event.To
		if event.What == alerting.StateChanged {
			g.state = event.From
		}
	}
	g.removed, g.forgotten = nil, event.What == alerting.Forgotten
	switch event.What {
	case alerting.StateChanged:
		g.moved, g.to, g.at = true, event.To, event.Time
	case alerting.Registered:
		g.moved, g.to = true, event.To
	}
	switch event.What {
	case alerting.Removed:
		g.removed = event.Subject
		if g.removed == nil {
			g.removed = &alerting.Subject{Kind: event.Kind, Name: event.Name}
		}
	case alerting.NotProbed:
		g.stalledSince = event.Time.Add(-alerting.StalledAfter)
	case alerting.StateChanged:
		g.stalledSince = time.Time{}
	}
	e.touched[key] = g
}

// next is what the following look has to go by: all of which something is remembered, or
// has happened. It notes how far the journal was read.
func (a *Pusher) next() *round {
	a.events.mu.Lock()
	select {
	case <-a.news: // what it tells of is taken in now
	default:
	}
	touched, all, at := a.events.touched, a.events.all, a.events.at
	a.events.touched, a.events.all = map[string]glimpse{}, nil
	a.events.mu.Unlock()
	if at != a.memory.cursor {
		a.memory.cursor = at
		a.memory.note(cursorKey)
	}
	keys := make([]string, 0, len(a.memory.subjects)+len(touched))
	for key := range a.memory.subjects {
		keys = append(keys, key)
	}
	for key := range touched {
		keys = append(keys, key)
	}
	for i := range all {
		keys = append(keys, all[i].Key())
	}
	slices.Sort(keys)
	r := &round{before: touched}
	gone := map[string]bool{}
	for _, key := range slices.Compact(keys) {
		if s := a.Subject(alerting.SplitKey(key)); s != nil {
			r.subjects = append(r.subjects, *s)
		} else if touched[key].removed != nil || touched[key].forgotten {
			gone[key] = true
		}
	}
	r.removed = func(key string) bool {
		old := a.memory.subjects[key]
		return gone[key] || old != nil && !old.Gone.IsZero() // already
	}
	return r
}
