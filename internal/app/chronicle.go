package app

import (
	"slices"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// chronicle keeps what happens to targets and checks in the journal, in the transactions
// in which the registry keeps what came of it: it is the [registry.Journal].
type chronicle struct {
	*journal.Journal

	// Set before it begins.
	schedules []recorded
	covered   func(name, group string) bool // is maintenance of it going on?
	events    func() []journal.Event        // what else happens; asked while no target comes or goes
	email     func(t *prober.Target) string // that of who wants to know, if it may be mailed

	begun   atomic.Bool   // what there is at the start has not happened
	wanted  atomic.Int32  // which states the next transaction takes along
	pressed chan struct{} // one slot: there is something to write

	mu      sync.Mutex          // protects all following fields
	pending []journal.Event     // happened, and not in the journal yet
	ended   map[string]struct{} // the names of states of what has ended
}

// recorded is a schedule, what happens on which is recorded.
type recorded struct {
	kind      string // of its subjects
	prefix    string // of the names under which the states are kept
	scheduler *schedule.Scheduler
	exists    func(name string) bool                // is there such a target, or check, still?
	settled   func() bool                           // is all there that will be, of what there was before the start?
	add       func(name string, to *schedule.Saved) // what else there is to keep; nil for nothing
}

// Which states a transaction takes along, beside those to which something has happened.
const (
	wantNoMore  = iota
	wantDrifted // those the counters of which have gone on
	wantAll
)

func newChronicle() *chronicle {
	return &chronicle{
		pressed: make(chan struct{}, 1), ended: map[string]struct{}{},
		covered: func(string, string) bool { return false }, events: func() []journal.Event { return nil },
		email: func(*prober.Target) string { return "" },
	}
}

// open makes the journal, in a file that is read by view, or in memory if that is nil.
func (c *chronicle) open(view func(func(*bolt.Tx) error) error) {
	c.Journal = journal.New(journal.Options{View: view})
}

// happened notes what is to be in the journal soon.
func (c *chronicle) happened(events ...journal.Event) {
	if len(events) == 0 || !c.begun.Load() {
		return
	}
	c.mu.Lock()
	c.pending = append(c.pending, events...)
	c.mu.Unlock()
	signal(c.pressed)
}

// want has the next transaction take along these states too.
func (c *chronicle) want(which int32) { c.wanted.Store(max(c.wanted.Load(), which)) }

// Examine looks at the events of a file.
func (c *chronicle) Examine(tx *bolt.Tx) []string { return journal.Examine(tx) }

// Copy adds events of one file to another.
func (c *chronicle) Copy(to, from *bolt.Tx) error { return journal.Copy(to, from) }

// Collect takes from the schedules what has happened. Of what does not exist any more
// nothing is told: it has ended.
func (c *chronicle) Collect() (states map[string]*schedule.Saved, more bool) {
	states = map[string]*schedule.Saved{}
	wanted := c.wanted.Swap(wantNoMore)
	if events := c.events(); c.begun.Load() {
		c.mu.Lock()
		c.pending = append(c.pending, events...)
		c.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.schedules {
		r := &c.schedules[i]
		taken := r.take(wanted)
		for _, e := range taken.Events {
			if c.begun.Load() && r.exists(e.App) {
				c.pending = append(c.pending, r.event(&e))
			}
		}
		for name, saved := range taken.States {
			if !r.exists(name) {
				continue
			}
			if r.add != nil {
				r.add(name, saved)
			}
			states[r.prefix+name] = saved
		}
	}
	return states, len(c.pending) > 0
}

func (r *recorded) take(wanted int32) schedule.Changes {
	if wanted == wantAll {
		return r.scheduler.TakeAll()
	}
	return r.scheduler.TakeChanged(wanted == wantDrifted)
}

func (r *recorded) event(e *schedule.Event) journal.Event {
	what := journal.StateChanged
	if e.Turned {
		what = journal.Turned
	}
	return journal.Event{Time: e.Time, Kind: r.kind, Name: e.App, What: what, From: e.From, To: e.To, Reason: e.Reason}
}

// Write puts what has happened into the journal, and what the transaction does.
func (c *chronicle) Write(tx *bolt.Tx, changes []registry.Change) (publish func(), err error) {
	c.mu.Lock()
	list := slices.Clone(c.pending)
	n := len(list)
	if c.begun.Load() {
		for i := range changes {
			list = append(list, c.eventsOf(&changes[i])...)
		}
	}
	c.mu.Unlock()
	tell, err := c.Append(tx, list)
	if err != nil {
		return nil, err
	}
	return func() {
		c.mu.Lock()
		c.pending = slices.Delete(c.pending, 0, n)
		for i := range changes {
			if changes[i].Old != nil && changes[i].New == nil {
				c.ended[changes[i].App] = struct{}{}
			}
		}
		c.mu.Unlock()
		tell()
	}, nil
}

// Failed publishes what has happened although it is not on the disk.
func (c *chronicle) Failed() {
	c.mu.Lock()
	list := c.pending
	c.pending = nil
	c.mu.Unlock()
	if publish, err := c.Append(nil, list); err == nil && len(list) > 0 {
		publish()
	}
}

// takeEnded gives the names of the states of what has ended since it was last asked, and
// does not exist again.
func (c *chronicle) takeEnded() []string {
	c.mu.Lock()
	ended := c.ended
	c.ended = map[string]struct{}{}
	c.mu.Unlock()
	var gone []string
	for name := range ended {
		if exists, _ := c.exists(name); !exists {
			gone = append(gone, name)
		}
	}
	return gone
}

// exists reports whether there is what has a state of that name, and whether all of its
// kind is there that will be, of what there was before the start.
func (c *chronicle) exists(kept string) (exists, settled bool) {
	for i := range c.schedules {
		if name, ok := c.schedules[i].named(kept); ok {
			return c.schedules[i].exists(name), c.schedules[i].settled()
		}
	}
	return false, true
}
