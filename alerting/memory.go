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
// value: its methods return the following one.
type Memory struct {
	// Last is the change that was taken in last; zero if none ever was.
	Last Change `json:"last"`
	// BadSince is when the outage began that was told and has not ended; zero if
	// there is none.
	BadSince time.Time `json:"bad_since,omitzero"`
	// Crossings are the last times that the subject became healthy or ceased to be so.
	Crossings []time.Time `json:"crossings,omitempty"`
	Flapping  bool        `json:"flapping,omitempty"`
	// StalledSince is since when it is not being probed, and Stalled whether that was told.
	StalledSince time.Time `json:"stalled_since,omitzero"`
	Stalled      bool      `json:"stalled,omitempty"`
	// Told is when something was last told.
	Told time.Time `json:"told,omitzero"`
	// Gone is when the subject was lost, as was told; zero if it is there.
	Gone time.Time `json:"gone,omitzero"`
	// Left is when the subject was removed; zero if it was not. Then nothing but Last is
	// remembered: it may come back, with changes of before.
	Left time.Time `json:"left,omitzero"`
	// Subject is the one that it is about, for the time when it is gone.
	Subject Subject `json:"subject"`
}

// Fresh are the changes that were not taken in yet. A clock that was set back must
// not hide any, so they are found by their place in the list if possible.
func (m *Memory) Fresh(changes []Change) []Change {
	if i := slices.IndexFunc(changes, m.Last.Equal); i >= 0 {
		return changes[i+1:]
	}
	return slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return !c.Time.After(m.Last.Time) })
}

// Take takes one change in, and gives what there is to tell of it, if anything.
func (m Memory) Take(s *Subject, c Change) (Memory, *Notice) {
	m.Last, m.Subject = c, s.outline()
	m.Stalled, m.StalledSince = m.Stalled && c.To == health.Unknown, time.Time{}
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

// Tick looks at what no change of state brings: that a subject has calmed down, that it
// has not been probed for too long, that an outage concerns somebody else from now on,
// that somebody should be reminded. reminder is how often that is; 0 for never.
func (m Memory) Tick(s *Subject, now time.Time, reminder time.Duration) (Memory, *Notice) {
	if !s.Gone.IsZero() {
		return m.depart(s, now)
	}
	if !m.Gone.IsZero() { // it is back, which is not a time for a reminder
		m.Gone, m.Told = time.Time{}, now
	}
	handedOver := m.handedOver(s)
	m.Subject = s.outline()
	n := &Notice{Subject: *s, Time: now, From: m.Last.To, To: s.State, Reason: s.Error, BadSince: m.BadSince}
	m.Crossings = recent(m.Crossings, now)
	m.StalledSince = StalledSince(s, m.StalledSince, now)
	switch {
	case m.Flapping && len(m.Crossings) < FlappingCrossings:
		m.Flapping = false
		n.What = Calm
		if s.State == health.Healthy {
			m.BadSince = time.Time{}
		}
	case handedOver && m.Flapping:
		n.What = Flapping
	case m.Flapping:
		return m, nil
	case handedOver:
		n.What = Changed
	case !m.StalledSince.IsZero() && !m.Stalled && now.Sub(m.StalledSince) >= StalledAfter:
		m.Stalled = true
		n.What, n.To = Changed, health.Unknown
		if m.BadSince.IsZero() {
			m.BadSince = m.StalledSince
		}
		n.BadSince = m.BadSince
	case reminder > 0 && !m.BadSince.IsZero() && now.Sub(m.Told) >= reminder && !s.Paused:
		n.What = Reminder
	default:
		return m, nil
	}
	m.Told = now
	return m, n
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
	m.Flapping, m.Crossings, m.Stalled, m.StalledSince = false, nil, false, time.Time{}
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
// nothing.
func (m Memory) Removed(now time.Time) *Notice {
	if m.Subject.Kind != Target || !m.Gone.IsZero() {
		return nil
	}
	return &Notice{
		What: Unregistered, Subject: m.Subject, Time: now, From: m.Last.To, To: m.Last.To, BadSince: m.BadSince,
	}
}

// Forget is what is remembered of a subject that was removed: whatever comes back under
// its name has changes of its own from now on.
func Forget(now time.Time) Memory { return Memory{Left: now, Last: Change{Time: now}} }

// Forgotten reports whether nothing need be remembered of a subject that was removed.
func (m *Memory) Forgotten(now time.Time) bool { return now.Sub(m.Left) > RememberedAfter }
