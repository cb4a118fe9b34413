package alertmanager

import (
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// toldFor is how long it is sent that a subject has recovered, or is gone. As in the
// shipped rules.
const toldFor = 10 * time.Minute

// maxEnded bounds the alerts of one subject that have ended and are still told. There
// are more only if its address changes all the time.
const maxEnded = 16

// remembered is what is remembered of one subject.
type remembered struct {
	facts
	// Ended are alerts that have ended, oldest first.
	Ended []fired `json:"ended,omitempty"`
	// Read is the state that the journal said it has; nil if that is not known.
	Read *health.Verdict `json:"read,omitempty"`

	link    string // where a person finds more; not worth remembering
	seen    uint64 // the last look that has seen it
	unsaved bool   // changes has never given it
}

// closed reports whether there is nothing to remember of a target that exists: it fires
// and has fired nothing, and nothing that it does soon depends on how it was.
func (r *remembered) closed(now time.Time) bool {
	return r.Firing.State == "" && len(r.Ended) == 0 && !r.Bad && !r.Lost && r.StalledSince.IsZero() && r.Gone.IsZero() &&
		!near(r.BadUntil, now, toldFor) && !near(r.Crossings[len(r.Crossings)-1], now, alerting.FlappingWindow)
}

// facts is the part that can be compared.
type facts struct {
	Email string `json:"email,omitempty"`
	// State is the last one that counts, if Known: a check that is unknown for a
	// moment stays what it was.
	State health.Verdict `json:"state"`
	Known bool           `json:"known,omitempty"`
	// StalledSince is since when it is unknown because it is not probed.
	StalledSince time.Time `json:"stalled_since,omitzero"`
	// Crossings are the last times it became healthy or ceased to be so, oldest first.
	Crossings [alerting.FlappingCrossings]time.Time `json:"crossings,omitzero"`
	// Bad is true from the first bad news until it is healthy or gone; BadUntil is
	// when that last was.
	Bad      bool      `json:"bad,omitempty"`
	BadUntil time.Time `json:"bad_until,omitzero"`
	// Gone is since when it does not exist; zero if it does.
	Gone time.Time `json:"gone,omitzero"`
	// Lost is true from when it is known that nobody has removed it, until it is back.
	Lost bool `json:"lost,omitempty"`
	// Firing is the alert that fires; its State is empty if none does.
	Firing fired `json:"firing,omitzero"`
	// Changed is when an alert last began or ended.
	Changed time.Time `json:"changed,omitzero"`
}

// fired is an alert of a subject. State and Email are its identity.
type fired struct {
	State string    `json:"state"`
	Email string    `json:"email,omitempty"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end,omitzero"`
}

func (f *fired) same(g fired) bool { return f.State == g.State && f.Email == g.Email }

// plainTime is a time that is the same after it was written and read.
func plainTime(t time.Time) time.Time { return t.Round(0).UTC() }

// near reports whether t is less than span ago. A clock that was set back a little must
// not end and begin alerts, so the other direction counts as well.
func near(t, now time.Time, span time.Duration) bool {
	return !t.IsZero() && now.Sub(t).Abs() < span
}

// dropEnded leaves out what ended longer ago than the retention.
func dropEnded(ended []fired, now time.Time, retention time.Duration) []fired {
	return slices.DeleteFunc(slices.Clone(ended), func(f fired) bool { return !near(f.End, now, retention) })
}

// next is what is remembered of a subject that exists. waiting reports whether it
// may be unknown because of another one. Ended alerts are changed in place.
func (r *remembered) next(s *alerting.Subject, waiting bool, now time.Time) facts {
	f := r.facts
	f.Gone, f.Lost = time.Time{}, !s.Gone.IsZero()
	f.Email = s.Email
	if f.Lost {
		f.StalledSince, f.Bad = time.Time{}, true
		r.fire(&f, stateGone, plainTime(s.Gone), now)
		return f
	}
	if s.Kind == alerting.Check {
		f.Email = "" // checks have no address of their own
	}
	f.observe(s, waiting, now)
	state := f.alertOf(s, now)
	switch {
	case state != "":
		f.Bad = true
	case f.Known && f.State == health.Healthy && !s.Paused:
		if f.Bad {
			f.Bad, f.BadUntil = false, now
		}
		if near(f.BadUntil, now, toldFor) {
			state = stateRecovered
		}
	}
	since := now
	if state == s.State.String() && state != stateUnknown && !s.Since.IsZero() {
		since = plainTime(s.Since)
	}
	r.fire(&f, state, since, now)
	return f
}

// gone is what there is to remember of a subject that exists no more.
func (r *remembered) gone(kind alerting.Kind, now time.Time) facts {
	f := r.facts
	if f.Gone.IsZero() {
		f.Gone = now
		f.StalledSince = time.Time{}
		if f.Bad {
			f.Bad, f.BadUntil = false, now
		}
		if kind == alerting.Check {
			f.Known = false
		}
	}
	state := ""
	if kind == alerting.Target && !f.Lost && near(f.Gone, now, toldFor) {
		state = stateUnregistered
	}
	r.fire(&f, state, now, now)
	return f
}

// observe takes in the state.
func (f *facts) observe(s *alerting.Subject, waiting bool, now time.Time) {
	f.StalledSince = alerting.StalledSince(s, f.StalledSince, now)
	if s.Kind == alerting.Check && s.State == health.Unknown && (waiting || !f.stalled(now)) {
		return // it may have to find out, or to wait for another one
	}
	if f.Known && (f.State == health.Healthy) != (s.State == health.Healthy) {
		f.cross(now)
	}
	f.State, f.Known = s.State, true
	if s.Kind == alerting.Target && f.flapping(now) {
		f.StalledSince = time.Time{} // as in the rules, its time begins when that has ended
	}
}

func (f *facts) stalled(now time.Time) bool {
	return !f.StalledSince.IsZero() && now.Sub(f.StalledSince).Abs() >= alerting.StalledAfter
}

// cross notes one more crossing in place of the oldest.
func (f *facts) cross(now time.Time) {
	copy(f.Crossings[:], f.Crossings[1:])
	f.Crossings[len(f.Crossings)-1] = now
}

// flapping reports whether all the crossings that are remembered were not long ago.
func (f *facts) flapping(now time.Time) bool {
	return near(f.Crossings[0], now, alerting.FlappingWindow)
}

// alertOf is the state whose bad news is to be told; empty for none.
func (f *facts) alertOf(s *alerting.Subject, now time.Time) string {
	switch {
	case s.Paused || !f.Known:
		return ""
	case f.flapping(now):
		return stateFlapping
	case f.State == health.Unhealthy:
		return stateUnhealthy
	case f.State == health.Degraded:
		return stateDegraded
	case f.State == health.Unknown && (s.Kind == alerting.Check || f.stalled(now)):
		return stateUnknown
	}
	return ""
}

// fire has the alert of the state fire and no other; none if it is empty.
func (r *remembered) fire(f *facts, state string, since, now time.Time) {
	next := fired{State: state}
	if state != "" {
		next.Email = f.Email
	}
	if f.Firing.same(next) {
		return
	}
	f.Changed = now
	last := f.Firing.Start
	for _, e := range r.Ended {
		last = later(last, e.Start)
	}
	if state != "" {
		// The newest alert must be the one that began last, or the mail names another.
		next.Start = now
		if since.After(last) && since.Before(now) {
			next.Start = since
		}
		next.Start = later(next.Start, last.Add(time.Millisecond))
	}
	ended := slices.Clone(r.Ended)
	if f.Firing.State != "" {
		end := f.Firing
		end.End = later(now, end.Start.Add(time.Millisecond))
		ended = slices.DeleteFunc(ended, func(e fired) bool { return e.same(end) })
		ended = append(ended, end)
	}
	// One that fires again has not ended.
	ended = slices.DeleteFunc(ended, func(e fired) bool { return e.same(next) })
	r.Ended = ended[max(0, len(ended)-maxEnded):]
	f.Firing = next
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
