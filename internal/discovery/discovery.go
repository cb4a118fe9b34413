package discovery

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

const (
	// settle is how long changes are collected: whoever edits a file takes it away for
	// a moment, and Kubernetes reports each pod on its own.
	settle = time.Second
	// keepEvery is how often a changed list is written down at most.
	keepEvery = 10 * time.Second
)

// Options are fixed for the life of a Discovery.
type Options struct {
	// Replace is called with all targets of a source, "mechanism:job", each time that they may
	// have changed. Required.
	Replace func(source prober.Source, targets []prober.Target)
	// KeptFile is where the lists are kept over a restart; empty for nowhere.
	KeptFile string
	// Log may be nil.
	Log *slog.Logger
}

// Discovery runs the mechanisms of all jobs.
type Discovery struct {
	// Immutable.
	options Options
	log     *slog.Logger
	changed chan struct{} // one slot: a unit has found something

	unwritten atomic.Bool // the lists could not be written down the last time

	keeping sync.Mutex // makes writing down one at a time; taken before working

	working sync.Mutex // makes Sync and publishing one at a time; protects all following fields
	running context.Context
	work    sync.WaitGroup
	kindOf  func(string) (prober.Kind, bool)
	kept    kept // the lists of the last run, until the first Sync
	unkept  bool // a list is not written down

	mu      sync.Mutex // protects sources, which changes only while working is held
	sources map[prober.Source]*source
}

// New makes a Discovery and reads the lists of the last run. Nothing runs before Run.
func New(o Options) *Discovery {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Discovery{options: o, log: o.Log, changed: make(chan struct{}, 1), sources: map[prober.Source]*source{}}
	adoptLibraries(o.Log)
	var err error
	if d.kept, err = readKept(o.KeptFile); err != nil {
		d.log.Error("the targets discovered in the last run are no longer known", "err", err)
	}
	return d
}

// Sync makes the jobs all that there are. Mechanisms whose configuration has not changed
// go on undisturbed; the lists of others stand until they have a new one. kindOf tells
// the kind of a module by its name.
func (d *Discovery) Sync(jobs []*Job, kindOf func(module string) (kind prober.Kind, ok bool)) {
	d.working.Lock()
	defer d.working.Unlock()
	d.kindOf = kindOf
	wanted := map[prober.Source]bool{}
	for _, job := range jobs {
		for i := range job.Mechanisms {
			m := &job.Mechanisms[i]
			wanted[job.source(m)] = true
			s := d.sourceFor(job, m)
			s.adopt(job, m, d.signal)
			if lists, ok := d.kept[s.name]; ok {
				s.restore(lists)
				delete(d.kept, s.name)
			}
			if d.running != nil {
				s.begin(d.running, &d.work)
			}
			s.look(true)
			d.publish(s)
		}
	}
	for name, s := range d.sources {
		if !wanted[name] {
			d.remove(s)
		}
	}
	d.kept, d.unkept = nil, true
}

// sourceFor finds the source, or makes it.
func (d *Discovery) sourceFor(job *Job, m *Mechanism) *source {
	name := job.source(m)
	s := d.sources[name]
	if s != nil {
		return s
	}
	s = &source{
		name: name, mechanism: m.Name, log: d.log.With("job", job.Name, "mechanism", m.Name),
		failures: &failures{}, drops: map[string]uint64{},
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sources[name] = s
	return s
}

func (d *Discovery) remove(s *source) {
	for _, u := range s.units {
		u.end()
	}
	d.mu.Lock()
	delete(d.sources, s.name)
	d.mu.Unlock()
	d.options.Replace(s.name, nil)
}

func (d *Discovery) publish(s *source) {
	targets, drops := s.job.targets(s.inForce(), d.kindOf)
	s.note(len(targets), drops)
	d.options.Replace(s.name, targets)
}

func (d *Discovery) signal() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// Run runs the mechanisms until ctx is done, and returns when all have ended.
func (d *Discovery) Run(ctx context.Context) {
	d.begin(ctx)
	defer d.end()
	keep := time.NewTicker(keepEvery)
	defer keep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-keep.C:
			d.keep()
			continue
		case <-d.changed:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(settle):
		}
		d.look()
	}
}

func (d *Discovery) begin(ctx context.Context) {
	d.working.Lock()
	defer d.working.Unlock()
	d.running = ctx
	for _, s := range d.sources {
		s.begin(ctx, &d.work)
	}
}

func (d *Discovery) end() {
	d.working.Lock()
	d.running = nil
	for _, s := range d.sources {
		for _, u := range s.units {
			u.end()
		}
	}
	d.working.Unlock()
	d.work.Wait()
	d.keep()
}

// look publishes what is new.
func (d *Discovery) look() {
	d.working.Lock()
	defer d.working.Unlock()
	for _, name := range slices.Sorted(maps.Keys(d.sources)) {
		if s := d.sources[name]; s.look(false) {
			d.publish(s)
			d.unkept = true
		}
	}
}

// Stats are the figures of one source.
type Stats struct {
	Job, Mechanism string
	// Targets is how many there are.
	Targets int
	// LastList is when the mechanism last gave a list; zero if it has not yet.
	LastList time.Time
	// Failures counts what went wrong, Dropped what was found and left out, by reason.
	Failures uint64
	Dropped  map[string]uint64
}

// Stats are the figures of all sources, by job and mechanism.
func (d *Discovery) Stats() []Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]Stats, 0, len(d.sources))
	for _, s := range d.sources {
		list = append(list, s.stats())
	}
	slices.SortFunc(list, func(a, b Stats) int {
		return cmp.Or(cmp.Compare(a.Job, b.Job), cmp.Compare(a.Mechanism, b.Mechanism))
	})
	return list
}

func (s *source) stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{
		Job: s.job.Name, Mechanism: s.mechanism, Targets: s.targets, LastList: s.lastList,
		Failures: s.failures.count.Load(), Dropped: map[string]uint64{},
	}
	for _, u := range s.units {
		stats.Failures += u.untold()
	}
	for _, reason := range DropReasons() {
		stats.Dropped[reason] = s.drops[reason]
	}
	return stats
}
