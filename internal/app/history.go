package app

import (
	"context"
	"time"

	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// recordEvery is how often it is looked what has changed. Changes of state are noted
// with the moment at which they happened; those of pauses and maintenance with that of
// the look.
const recordEvery = 2 * time.Second

// recorder notes in the history what becomes of all targets and checks.
type recorder struct {
	app   *App
	store *history.Store
	seen  map[string]*seen // by subject
	looks uint64
}

// seen is what the last look at a subject found.
type seen struct {
	since time.Time
	state history.State
	look  uint64
}

// openHistory opens the history in the storage directory, which must be ours already.
func (a *App) openHistory() error {
	store, err := history.Open(history.Options{Path: a.opts.StoragePath, Log: a.log})
	a.recorder = &recorder{app: a, store: store, seen: map[string]*seen{}}
	return err
}

// run looks until ctx is done. App.Run looks once more at the end.
func (r *recorder) run(ctx context.Context) {
	tick := time.NewTicker(recordEvery)
	defer tick.Stop()
	for {
		r.look(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look notes what has changed since the last look.
func (r *recorder) look(now time.Time) {
	r.looks++
	covered := maintenanceBook{r.app}.Covering(now)
	for _, st := range r.app.scheduler.Snapshot() {
		t := st.Target
		r.note(history.TargetSubject(t.App), r.app.scheduler, st, covered(t.App, t.Group), now)
	}
	for _, st := range r.app.checkScheduler.Snapshot() {
		name := st.Target.App
		r.note(history.CheckSubject(name), r.app.checkScheduler, st, covered(name, ""), now)
	}
	for subject, last := range r.seen {
		if last.look != r.looks {
			r.store.Note(subject, now, history.NoData)
			delete(r.seen, subject)
		}
	}
}

// note tells the store of one subject, if anything has changed: first of the changes of
// state since the last look, then of how things are now.
func (r *recorder) note(subject string, scheduler *schedule.Scheduler, st *schedule.Status, maintained bool, now time.Time) {
	state := history.Of(st.State.Verdict, st.Target.Paused, maintained)
	last := r.seen[subject]
	if last == nil { // before that the exporter or the target was not there
		last = &seen{since: r.app.started, state: state}
		if st.Target.RegisteredAt.After(last.since) {
			last.since = st.Target.RegisteredAt
		}
		r.seen[subject] = last
		r.first(subject, scheduler, st, last)
	} else if last.state == state && last.since.Equal(st.Since) {
		last.look = r.looks
		return
	}
	kept := last.state & state // of the flags those that were set all the time
	transitions, _ := scheduler.Transitions(st.Target.App)
	for _, t := range transitions {
		if t.Time.After(last.since) && !t.Time.After(st.Since) {
			r.store.Note(subject, t.Time, history.Of(t.To, kept.Has(history.Paused), kept.Has(history.Maintenance)))
		}
	}
	at := st.Since
	if (last.state ^ state).Has(history.Paused | history.Maintenance) {
		at = now
	}
	r.store.Note(subject, at, state)
	last.since, last.state, last.look = st.Since, state, r.looks
}

// first notes the state in which a subject was before the first change of state that
// the first look at it finds.
func (r *recorder) first(subject string, scheduler *schedule.Scheduler, st *schedule.Status, last *seen) {
	transitions, _ := scheduler.Transitions(st.Target.App)
	for _, t := range transitions {
		if t.Time.After(last.since) {
			r.store.Note(subject, last.since, history.Of(t.From, last.state.Has(history.Paused), last.state.Has(history.Maintenance)))
			return
		}
	}
}
