package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// recordEvery is how often changes are looked for. Changes of state are recorded
// with the moment at which they happened; those of pauses and maintenance with that of
// the look.
const recordEvery = 2 * time.Second

// past watches all targets and checks for changes, and writes
// the history.
type past struct {
	path    string // of the storage directory; empty for none
	log     *slog.Logger
	started time.Time
	targets looked
	checks  looked
	// covering reports for targets and checks whether they are in a maintenance window.
	covering func(now time.Time) func(name, group string) bool

	store *history.Store
	seen  map[string]*seen // by subject
	looks uint64
}

// looked is a schedule that is looked at.
type looked interface {
	Snapshot() []*schedule.Status
	Transitions(name string) ([]schedule.Transition, bool)
}

// seen is what the last look at a subject found.
type seen struct {
	since time.Time
	state history.State
	look  uint64
}

func newPast(opts *Options, started time.Time, targets, checks looked, covering func(time.Time) func(name, group string) bool) *past {
	return &past{
		path: opts.StoragePath, log: opts.Log, started: started, targets: targets, checks: checks, covering: covering,
		seen: map[string]*seen{},
	}
}

// open opens the history in the storage directory, which must be ours already.
func (p *past) open(*config.Config) (err error) {
	p.store, err = history.Open(history.Options{Path: p.path, Log: p.log})
	return err
}

func (p *past) adopt(*config.Config) {}

// begin looks, and has written what is found.
func (p *past) begin(ctx context.Context, work *sync.WaitGroup) {
	work.Go(func() { p.store.Run(ctx) })
	work.Go(func() { p.run(ctx) })
}

func (p *past) run(ctx context.Context) {
	tick := time.NewTicker(recordEvery)
	defer tick.Stop()
	for {
		p.look(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// close looks for the last time, unless nothing ran, and closes the history.
func (p *past) close() error {
	if p.looks > 0 {
		p.look(time.Now())
	}
	return p.store.Close()
}

// damage says what is lost of the history since it was damaged; empty for nothing.
func (p *past) damage() string {
	if s := p.store.Stats(); s.Recovered {
		return fmt.Sprintf("history.db was damaged at the start (%s): its intact records are kept", s.Damage)
	}
	return ""
}

func (p *past) collectors() []prometheus.Collector {
	return []prometheus.Collector{selfmetrics.History(p.store.Stats)}
}

// look notes what has changed since the last look.
func (p *past) look(now time.Time) {
	p.looks++
	covered := p.covering(now)
	for _, st := range p.targets.Snapshot() {
		t := st.Target
		p.note(history.TargetSubject(t.App), p.targets, st, covered(t.App, t.Group), now)
	}
	for _, st := range p.checks.Snapshot() {
		name := st.Target.App
		p.note(history.CheckSubject(name), p.checks, st, covered(name, ""), now)
	}
	for subject, last := range p.seen {
		if last.look != p.looks {
			p.store.Note(subject, now, history.NoData)
			delete(p.seen, subject)
		}
	}
}

// note informs the store of one subject, if anything has changed: first of the changes of
// state since the last look, then of how things are now.
func (p *past) note(subject string, from looked, st *schedule.Status, maintained bool, now time.Time) {
	state := history.Of(st.State.Verdict, st.Target.Paused, maintained)
	last := p.seen[subject]
	if last == nil { // before that the exporter or the target was not there
		last = &seen{since: p.started, state: state}
		if st.Target.RegisteredAt.After(last.since) {
			last.since = st.Target.RegisteredAt
		}
		p.seen[subject] = last
		p.first(subject, from, st, last)
	} else if last.state == state && last.since.Equal(st.Since) {
		last.look = p.looks
		return
	}
	kept := last.state & state // of the flags those that were set all the time
	transitions, _ := from.Transitions(st.Target.App)
	for _, t := range transitions {
		if t.Time.After(last.since) && !t.Time.After(st.Since) {
			p.store.Note(subject, t.Time, history.Of(t.To, kept.Has(history.Paused), kept.Has(history.Maintenance)))
		}
	}
	at := st.Since
	if (last.state ^ state).Has(history.Paused | history.Maintenance) {
		at = now
	}
	p.store.Note(subject, at, state)
	last.since, last.state, last.look = st.Since, state, p.looks
}

// first notes the state in which a subject was before the first change of state that
// the first look at it finds.
func (p *past) first(subject string, from looked, st *schedule.Status, last *seen) {
	transitions, _ := from.Transitions(st.Target.App)
	for _, t := range transitions {
		if t.Time.After(last.since) {
			p.store.Note(subject, last.since, history.Of(t.From, last.state.Has(history.Paused), last.state.Has(history.Maintenance)))
			return
		}
	}
}
