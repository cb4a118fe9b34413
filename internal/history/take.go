package history

import (
	"math"
	"time"
)

// Event is something that happened to a subject, for whoever keeps the place up to which
// he has told of events, and not the states.
type Event struct {
	Subject string
	At      time.Time
	// Verdict is that from then on, without flags.
	Verdict State
	// Set and Clear are the flags that begin and end then; others stay as they are.
	Set, Clear State
	// End says that the subject is no more.
	End bool
}

// cursor is the place up to which events were taken.
type cursor struct {
	seq   uint64
	known bool
}

// Take notes events, and that all up to the one with the number have been taken. Both
// are written together: after a crash the store has taken what it says, and nothing more.
func (s *Store) Take(events []Event, seq uint64) {
	s.taking.Lock()
	defer s.taking.Unlock()
	for i := range events {
		s.note(&events[i])
	}
	s.mu.Lock()
	s.cursor, s.moved = cursor{seq, true}, true
	s.mu.Unlock()
}

// Cursor is the number up to which events have been taken; ok is false if that is not
// known, and the store must be told by Note how things are.
func (s *Store) Cursor() (seq uint64, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.cursor.seq, s.cursor.known
}

// State is the last state of the subject; NoData if there is none.
func (s *Store) State(subject string) State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.timeline(subject).state()
}

func (s *Store) note(e *Event) {
	state := NoData
	if !e.End {
		flags := s.State(e.Subject) & (Paused | Maintenance)
		state = e.Verdict&verdictBits | flags&^e.Clear | e.Set
	}
	s.Note(e.Subject, e.At, state)
}

// CatchUp takes events that happened before the store was opened, and that it had not
// taken when it was written last. Until the last of them the exporter lived. It must
// come before anything else is told.
func (s *Store) CatchUp(events []Event, seq uint64) {
	s.mu.Lock()
	opened, lived := s.since, s.lived
	for _, e := range events {
		lived = max(lived, min(milli(e.At), opened))
	}
	s.resume()
	s.since = math.MinInt64 >> 8
	s.mu.Unlock()
	s.Take(events, seq)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since, s.lived = opened, lived
	s.interrupt()
}

// interrupt says that nothing is known from when the exporter lived last. mu is held.
func (s *Store) interrupt() {
	s.replaced = map[string]mark{}
	for subject, t := range s.subjects {
		if last := len(t.marks) - 1; last >= 0 && t.lastMilli() >= s.lived {
			s.replaced[subject] = t.marks[last]
		}
		t.add(s.lived, NoData)
	}
}

// resume takes interrupt back. mu is held.
func (s *Store) resume() {
	for subject, t := range s.subjects {
		last := len(t.marks) - 1
		m, replaced := s.replaced[subject]
		switch {
		case replaced && last >= 0 && t.marks[last] == newMark(m.milli(), NoData):
			t.marks[last] = m
		case replaced:
			t.marks = append(t.marks, m)
		case last > 0 && t.marks[last] == newMark(s.lived, NoData):
			t.marks = t.marks[:last]
		}
	}
}
