package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/health-exporter/health_exporter/internal/journal"
)

// eventReader is somebody who learns from the journal what happens.
type eventReader interface {
	// cursor is the number of the last event that was taken in; ok is false if that is
	// not known, or if everything is to be looked at.
	cursor() (seq uint64, ok bool)
	// begin takes in how everything is now. All events up to the one with the number are in
	// that, and some that follow may be.
	begin(seq uint64) error
	// take takes in what happened next, and keeps the cursor with what comes of it, so that
	// after a crash it knows what it has taken. After an error, which it logs, it is not
	// given the events again.
	take(events []journal.Event) error
}

// maxTaken is how many events are taken at once.
const maxTaken = 1000

// reading has one reader read the journal.
type reading struct {
	journal *journal.Journal
	reader  eventReader
	name    string // for the log
	log     *slog.Logger

	at uint64 // what it was given last
}

// start finds out where to go on. It must come before run.
func (r *reading) start() {
	seq, ok := r.reader.cursor()
	if !ok || seq > r.journal.Opened() { // of events that are lost
		r.anew()
		return
	}
	r.at = seq
}

// run gives the reader what happens, until ctx is done.
func (r *reading) run(ctx context.Context) {
	for r.journal.Wait(ctx, r.at) == nil {
		r.next()
	}
}

// drain gives the reader what there is.
func (r *reading) drain() {
	for r.journal.Head() > r.at {
		r.next()
	}
}

// next gives the reader some events, or how everything is if those that follow are
// missing.
func (r *reading) next() {
	events, err := r.journal.Read(r.at, maxTaken)
	switch _, behind := errors.AsType[journal.ErrBehind](err); {
	case behind:
		r.log.Warn("a reader of the journal looks at everything: what happened next is no longer known", "reader", r.name, "after", r.at)
		r.anew()
	case err != nil: // the disk fails, and is looked after elsewhere
		r.log.Error("what happened cannot be read: everything is looked at instead", "reader", r.name, "err", err)
		r.anew()
	case len(events) > 0:
		_ = r.reader.take(events) // it logs its own errors
		r.at = events[len(events)-1].Seq
	}
}

// anew has the reader look at everything.
func (r *reading) anew() {
	head := r.journal.Head() // before the look: it sees what came of all up to this one
	_ = r.reader.begin(head)
	r.at = head
}
