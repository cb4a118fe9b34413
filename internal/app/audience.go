package app

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/journal"
)

// listener is one of those who tell people of what happens: the outbox, and what pushes to
// Alertmanagers.
type listener interface {
	// Listens reports whether there is anybody to tell.
	Listens() bool
	// Cursor is how far it has read the journal; ok is false if that is not known.
	Cursor() (seq uint64, ok bool)
	// Begin takes in how everything is, as of a place in the journal.
	Begin(subjects iter.Seq[*alerting.Subject], seq uint64) error
	// Take takes events in, each once.
	Take(events []alerting.Event) error
}

// audience has one listener hear of what happens.
type audience struct {
	telling *telling
	journal *journal.Journal
	to      listener
	name    string // for the log

	mu    sync.Mutex         // protects all following fields
	wake  context.CancelFunc // ends the wait that goes on; nil if none does
	woken bool               // there may be somebody to tell since the last look
}

// run tells until ctx is done.
func (a *audience) run(ctx context.Context) {
	for ctx.Err() == nil {
		if a.step() {
			continue
		}
		if !a.to.Listens() {
			a.wait(ctx, func(ctx context.Context) { <-ctx.Done() })
		} else if seq, ok := a.to.Cursor(); ok {
			a.wait(ctx, func(ctx context.Context) { _ = a.journal.Wait(ctx, seq) })
		}
	}
}

// step tells some of what there is, and reports whether there was anything.
func (a *audience) step() bool {
	seq, ok := a.to.Cursor()
	switch {
	case !a.to.Listens(), ok && seq == a.journal.Head():
		return false
	case ok:
		a.next(seq)
	default:
		a.anew()
	}
	return true
}

// wait waits until what is waited for has come, ctx is done, or again is called.
func (a *audience) wait(ctx context.Context, wait func(context.Context)) {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	a.mu.Lock()
	woken := a.woken
	a.wake = stop
	a.mu.Unlock()
	if !woken {
		wait(waiting)
	}
	a.mu.Lock()
	a.wake, a.woken = nil, false
	a.mu.Unlock()
}

// again looks whether there is somebody to tell who was not there.
func (a *audience) again() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.woken = true
	if a.wake != nil {
		a.wake()
	}
}

// next has the listener take in some events, or how everything is if those that follow
// are missing.
func (a *audience) next(seq uint64) {
	events, err := a.journal.Read(seq, maxTaken)
	switch _, behind := errors.AsType[journal.ErrBehind](err); {
	case behind, err != nil:
		a.telling.log.Warn("people are told of how things are: what happened before cannot be read", "to", a.name, "after", seq, "err", err)
		a.anew()
	case len(events) > 0:
		// What is asked of the subjects must have come of the events.
		a.telling.reconcile()
		_ = a.to.Take(a.telling.told(events)) // it logs its own errors
	}
}

// anew has the listener take in how everything is.
func (a *audience) anew() {
	head := a.journal.Head() // before the look: it sees what came of all up to this one
	a.telling.reconcile()
	_ = a.to.Begin(a.telling.subjects, head)
}

// happening says what of the journal's words is worth telling.
func happening(what journal.What) alerting.Happening {
	switch what {
	case journal.StateChanged:
		return alerting.StateChanged
	case journal.Registered, journal.Changed, journal.Returned, journal.Found:
		return alerting.Registered
	case journal.Removed:
		return alerting.Removed
	case journal.Gone:
		return alerting.Lost
	case journal.Forgotten:
		return alerting.Forgotten
	case journal.NotProbed:
		return alerting.NotProbed
	}
	return alerting.Other
}

// told are events in the form in which people are told of them.
func (t *telling) told(events []journal.Event) []alerting.Event {
	cfg, list := t.cfg.Load(), make([]alerting.Event, len(events))
	for i := range events {
		e := &events[i]
		list[i] = alerting.Event{
			Seq: e.Seq, Kind: alerting.Kind(e.Kind), Name: e.Name, What: happening(e.What),
			Change: alerting.Change{Time: e.Time, From: e.From, To: e.To, Reason: e.Reason},
		}
		if what := list[i].What; what == alerting.Removed || what == alerting.Lost {
			list[i].Subject = t.was(cfg, e)
		}
	}
	return list
}

// was is how a subject was that is no more.
func (t *telling) was(cfg *config.Config, e *journal.Event) *alerting.Subject {
	s := &alerting.Subject{
		Kind: alerting.Kind(e.Kind), Name: e.Name, Place: e.Place, Group: e.Group, Email: e.Email, State: e.To, Since: e.Since, LastHealthy: e.LastHealthy,
		Link: t.link(cfg, "/targets/", e.Name),
	}
	if e.What != journal.Gone {
		return s
	}
	if g, gone := t.saved.Tombstone(e.Name); gone {
		return t.goneSubject(cfg, &g)
	}
	s.Gone, s.GoneWhy = e.Time, e.Reason
	return s
}
