package app

import (
	"time"

	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// historian reads the journal for the history.
type historian struct{ past *past }

func (h historian) cursor() (seq uint64, ok bool) { return h.past.store.Cursor() }

// take notes what happened.
func (h historian) take(events []journal.Event) error {
	h.past.store.Take(historical(events), events[len(events)-1].Seq)
	return nil
}

// historical are events as the history has them. It passes over what it does not know.
func historical(events []journal.Event) []history.Event {
	list := make([]history.Event, 0, len(events))
	for i := range events {
		e := &events[i]
		n := history.Event{Subject: history.TargetSubject(e.Name), At: e.Time, Verdict: history.Of(e.To, false, false)}
		if e.Kind == journal.Check {
			n.Subject = history.CheckSubject(e.Name)
		}
		switch e.What {
		case journal.StateChanged:
		case journal.Registered, journal.Returned, journal.Found:
			n.Clear = history.Paused | history.Maintenance
		case journal.Paused:
			n.Set = history.Paused
		case journal.Resumed:
			n.Clear = history.Paused
		case journal.Maintenance:
			n.Set = history.Maintenance
		case journal.MaintenanceOver:
			n.Clear = history.Maintenance
		case journal.Removed, journal.Gone:
			n.End = true
		default:
			continue
		}
		list = append(list, n)
	}
	return list
}

// begin looks at everything.
func (h historian) begin(seq uint64) error {
	p, now, there := h.past, time.Now(), map[string]struct{}{}
	for _, st := range p.targets.Snapshot() {
		subject := history.TargetSubject(st.Target.App)
		there[subject] = struct{}{}
		p.look(subject, p.targets, st, p.covered(st.Target.App, st.Target.Group), now)
	}
	for _, st := range p.checks.Snapshot() {
		subject := history.CheckSubject(st.Target.App)
		there[subject] = struct{}{}
		p.look(subject, p.checks, st, p.covered(st.Target.App, ""), now)
	}
	for _, subject := range p.store.Known() {
		if _, is := there[subject]; !is {
			p.store.Note(subject, now, history.NoData)
		}
	}
	p.store.Take(nil, seq)
	return nil
}

// look notes how one subject is. If nothing was known of it until now, that is how it is
// since the start of the exporter, or since it was registered, but for the changes of
// state in the meantime.
func (p *past) look(subject string, from looked, st *schedule.Status, maintained bool, now time.Time) {
	state := history.Of(st.State.Verdict, st.Target.Paused, maintained)
	last := p.store.State(subject)
	switch {
	case last == state:
		return
	case last != history.NoData:
		at := st.Since
		if (last ^ state).Has(history.Paused | history.Maintenance) {
			at = now
		}
		p.store.Note(subject, at, state)
		return
	}
	at := p.started
	if st.Target.RegisteredAt.After(at) {
		at = st.Target.RegisteredAt
	}
	transitions, _ := from.Transitions(st.Target.App)
	for _, t := range transitions {
		if t.Time.After(at) && !t.Time.After(st.Since) {
			p.store.Note(subject, at, history.Of(t.From, st.Target.Paused, maintained))
			at = t.Time
		}
	}
	p.store.Note(subject, at, state)
}
