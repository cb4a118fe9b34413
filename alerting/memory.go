package alerting

import (
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Change is one change of state of a subject.
type Change struct {
	Time     time.Time
	From, To health.Verdict
	Reason   string
}

// Equal reports whether two changes are the same one.
func (c Change) Equal(d Change) bool {
	return c.Time.Equal(d.Time) && c.From == d.From && c.To == d.To
}

// Memory is what is remembered of a subject to decide what there is to tell. It is a
// value: its methods return the following one. The zero Memory is that of a subject
// without news; most subjects have no other (see Open).
type Memory struct {
	// Last is the change of state that was taken in last; zero if nothing was to be
	// remembered of it.
	Last Change `json:"last"`
	// Seen is up to when changes are in what is remembered although none of them was taken
	// in: the subject was looked at instead. Zero once another one was.
	Seen time.Time `json:"seen,omitzero"`
	// BadSince is when the outage began that was told and has not ended; zero if
	// there is none.
	BadSince time.Time `json:"bad_since,omitzero"`
	// Crossings are the last times that the subject became healthy or ceased to be so.
	Crossings []time.Time `json:"crossings,omitempty"`
	Flapping  bool        `json:"flapping,omitempty"`
	// Stalled reports that it is not being probed, which was told.
	Stalled bool `json:"stalled,omitempty"`
	// Told is when something was last told.
	Told time.Time `json:"told,omitzero"`
	// Gone is when the subject was lost, as was told; zero if it is there.
	Gone time.Time `json:"gone,omitzero"`
	// Subject is the one that it is about, for the time when it is gone.
	Subject Subject `json:"subject"`
}

// Open reports whether there is anything to remember: an outage, flapping or changes
// that may become such, or that the subject is gone.
func (m *Memory) Open() bool {
	return !m.BadSince.IsZero() || m.Flapping || m.Stalled || !m.Gone.IsZero() || len(m.Crossings) > 0
}

// Has reports whether a change is in what is remembered already, because the subject was
// looked at after it.
func (m *Memory) Has(c Change) bool { return !m.Seen.IsZero() && !c.Time.After(m.Seen) }

// Take takes one change in, and gives what there is to tell of it, if anything.
func (m Memory) Take(s *Subject, c Change) (Memory, *Notice) {
	m = m.Return(c.Time)
	m.Last, m.Subject, m.Seen = c, s.outline(), time.Time{}
	m.Stalled = m.Stalled && c.To == health.Unknown
	if c.From == health.Healthy || c.To == health.Healthy {
		m.Crossings = append(recent(m.Crossings, c.Time), c.Time)
	}
	n := &Notice{What: Changed, Subject: *s, Time: c.Time, From: c.From, To: c.To, Reason: c.Reason}
	switch {
	case m.Flapping:
		return m, nil
	case len(m.Crossings) >= FlappingCrossings:
		m.Flapping = true
		n.What = Flapping
		if m.BadSince.IsZero() {
			m.BadSince = c.Time
		}
	case Bad(c.To):
		if m.BadSince.IsZero() {
			m.BadSince = c.Time
		}
	case c.To == health.Healthy && !m.BadSince.IsZero():
	default: // new, or UNKNOWN: there is nothing to tell yet
		return m, nil
	}
	n.BadSince, m.Told = m.BadSince, c.Time
	if n.What == Changed && c.To == health.Healthy {
		m.BadSince = time.Time{}
	}
	return m, n
}

// outline is what is remembered of a subject: not what it says at the moment.
func (s *Subject) outline() Subject {
	kept := *s
	kept.Error, kept.Response = "", nil
	return kept
}

// recent drops the times that are out of the window of flapping.
func recent(times []time.Time, now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool { return now.Sub(t) > FlappingWindow })
}

// Tick looks at what no change of state brings: that a subject has calmed down, that an
// outage concerns somebody else from now on, that somebody should be reminded, that it is
// gone or back. reminder is how often somebody is; 0 for never. Due says when time alone
// makes it worth another look.
func (m Memory) Tick(s *Subject, now time.Time, reminder time.Duration) (Memory, *Notice) {
	if !s.Gone.IsZero() {
		return m.depart(s, now)
	}
	m = m.Return(now)
	handedOver := m.handedOver(s)
	m.Subject = s.outline()
	state := s.State
	if !m.Last.Time.IsZero() {
		state = m.Last.To // what has happened since is told by an event
	}
	n := &Notice{Subject: *s, Time: now, From: m.Last.To, To: state, Reason: s.Error, BadSince: m.BadSince}
	m.Crossings = recent(m.Crossings, now)
	switch {
	case m.Flapping && len(m.Crossings) < FlappingCrossings:
		m.Flapping = false
		n.What = Calm
		if state == health.Healthy {
			m.BadSince = time.Time{}
		}
	case handedOver && m.Flapping:
		n.What = Flapping
	case m.Flapping:
		return m, nil
	case handedOver:
		n.What = Changed
	case reminder > 0 && !m.BadSince.IsZero() && now.Sub(m.Told) >= reminder && !s.Paused:
		n.What = Reminder
	default:
		return m, nil
	}
	m.Told = now
	return m, n
}

// Due is when Tick may have something to tell, or to forget, that no event brings; zero
// for never.
func (m *Memory) Due(reminder time.Duration) time.Time {
	var due time.Time
	if len(m.Crossings) > 0 { // more than the window ago, as recent has it
		due = m.Crossings[0].Add(FlappingWindow + 1)
	}
	if reminder > 0 && !m.BadSince.IsZero() && !m.Flapping && m.Gone.IsZero() {
		if next := m.Told.Add(reminder); due.IsZero() || next.Before(due) {
			due = next
		}
	}
	return due
}

// Stall takes in that a subject is not being probed although it should be, and has not
// been for long enough to be told of.
func (m Memory) Stall(s *Subject, now time.Time) (Memory, *Notice) {
	if m.Stalled || m.Flapping || s.Paused || !s.Gone.IsZero() || s.State != health.Unknown {
		return m, nil
	}
	if m.BadSince.IsZero() {
		m.BadSince = now.Add(-StalledAfter)
	}
	m.Stalled, m.Told, m.Subject = true, now, s.outline()
	return m, &Notice{What: Changed, Subject: *s, Time: now, From: m.Last.To, To: health.Unknown, Reason: s.Error, BadSince: m.BadSince}
}

// Return takes in that a subject exists. If it was gone it is back, which is not a time for
// a reminder.
func (m Memory) Return(now time.Time) Memory {
	if !m.Gone.IsZero() {
		m.Gone, m.Told = time.Time{}, now
	}
	return m
}

// depart tells, once, that a subject was lost. That is bad news: should it come back and
// be healthy, that is notified as well.
func (m Memory) depart(s *Subject, now time.Time) (Memory, *Notice) {
	if m.Gone.Equal(s.Gone) {
		return m, nil
	}
	told := *s
	if m.Subject.LastHealthy.After(s.LastHealthy) {
		told.LastHealthy = m.Subject.LastHealthy
	}
	m.Gone, m.Subject, m.Told = s.Gone, told.outline(), now
	m.Flapping, m.Crossings, m.Stalled = false, nil, false
	if m.BadSince.IsZero() {
		m.BadSince = s.Gone
	}
	return m, &Notice{
		What: Departed, Subject: told, Time: s.Gone, From: m.Last.To, To: health.Unknown, Reason: s.GoneWhy, BadSince: m.BadSince,
	}
}

// handedOver reports whether somebody else is notified of the subject from now on who has to
// hear of its outage: nobody shall be told that it has recovered who was not told that it
// was not. A state that has not been taken in yet is notified by its change.
func (m *Memory) handedOver(s *Subject) bool {
	if m.Subject.Email == s.Email || s.Paused {
		return false
	}
	bad := Bad(s.State) || s.State == health.Unknown && m.Stalled
	return m.Flapping || bad && s.State == m.Last.To
}

// Removed is what there is to tell of a subject that exists no more; nil if that is
// nothing. s is how it was.
func (m Memory) Removed(s *Subject, now time.Time) *Notice {
	if s.Kind != Target || !m.Gone.IsZero() {
		return nil
	}
	return &Notice{
		What: Unregistered, Subject: s.outline(), Time: now, From: s.State, To: s.State, BadSince: m.BadSince,
	}
}
