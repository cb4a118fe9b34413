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
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// past is what became of all targets and checks: it reads the journal, and keeps the
// history.
type past struct {
	path    string // of the storage directory; empty for none
	log     *slog.Logger
	started time.Time
	journal func() *journal.Journal // that of the storage, once it is open
	targets looked
	checks  looked
	// covered reports whether maintenance of a target or a check is going on.
	covered func(name, group string) bool

	store   *history.Store
	reading *reading // nil before it begins
}

// looked is a schedule that is looked at.
type looked interface {
	Snapshot() []*schedule.Status
	Transitions(name string) ([]schedule.Transition, bool)
}

func newPast(opts *Options, started time.Time, chronicle *chronicle, targets, checks looked, covered func(name, group string) bool) *past {
	return &past{
		path: opts.StoragePath, log: opts.Log, started: started, journal: func() *journal.Journal { return chronicle.Journal },
		targets: targets, checks: checks, covered: covered,
	}
}

// open opens the history in the storage directory, which must be ours already.
func (p *past) open(*config.Config) (err error) {
	p.store, err = history.Open(history.Options{Path: p.path, Log: p.log})
	return err
}

func (p *past) adopt(*config.Config) {}

// begin reads what happens, and has written what comes of it.
func (p *past) begin(ctx context.Context, work *sync.WaitGroup) {
	p.reading = &reading{journal: p.journal(), reader: historian{p}, name: "history", log: p.log}
	p.catchUp()
	_, known := p.store.Cursor()
	p.reading.anew() // what goes on is known from now on, and not since the last end
	if !known {
		// Without a place in the journal in the file, there would be nothing to catch up from if
		// nothing could be written before the exporter is killed. Run tells of a disk that fails.
		_ = p.store.Flush()
	}
	work.Go(func() { p.store.Run(ctx) })
	work.Go(func() { p.reading.run(ctx) })
}

// close reads the last of what happened, unless nothing ran, and closes the history.
func (p *past) close() error {
	if p.reading != nil {
		p.reading.drain()
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

// unwritten says what cannot be stored; empty for nothing.
func (p *past) unwritten() string {
	if p.store.Stats().Problem != "" {
		return "the history"
	}
	return ""
}

func (p *past) collectors() []prometheus.Collector {
	return []prometheus.Collector{selfmetrics.History(p.store.Stats)}
}

// catchUp takes in what the history had not written yet when the exporter was killed.
func (p *past) catchUp() {
	j := p.journal()
	seq, ok := p.store.Cursor()
	if !ok || seq >= j.Opened() {
		return
	}
	var missed []history.Event
	for seq < j.Opened() {
		events, err := j.Read(seq, min(maxTaken, int(j.Opened()-seq)))
		if err != nil || len(events) == 0 {
			p.log.Warn("the history lacks what happened before the start", "after", seq, "err", err)
			break
		}
		missed = append(missed, historical(events)...)
		seq = events[len(events)-1].Seq
	}
	p.store.CatchUp(missed, seq)
}
