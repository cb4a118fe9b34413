package registry

import (
	"fmt"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// Journal keeps what happened beside what came of it: in registry.db, in buckets of its
// own, and in the same transactions. The registry calls it by one goroutine at a time,
// but for Examine.
type Journal interface {
	// Examine looks at what a file has of it, without changing anything, and names what is
	// wrong.
	Examine(tx *bolt.Tx) (faults []string)
	// Load takes over what the file has that is used from now on.
	Load(tx *bolt.Tx) error
	// Copy adds what is sound in another file to one that is made anew, and Rescue, which
	// follows in the same transaction, what else is known.
	Copy(to, from *bolt.Tx) error
	Rescue(tx *bolt.Tx) error
	// Collect gives the states that have changed since it was last asked, and says whether
	// there is anything else to write: each transaction takes them along.
	Collect() (states map[string]*schedule.Saved, more bool)
	// Write writes what has happened, and what the transaction changes; tx is nil if
	// there is no file. After the commit publish is called.
	Write(tx *bolt.Tx, changes []Change) (publish func(), err error)
	// Failed says that there was no commit: the changes were not made, but what had
	// happened before has.
	Failed()
}

// Change is what becomes of an app.
type Change struct {
	App string
	At  time.Time
	// Old and New are the effective targets before and after; nil if there is none.
	Old, New *prober.Target
	// Gone says why there is none any more, if nobody has removed it.
	Gone *Tombstone
	// Buried is the tombstone that there was before and is no more.
	Buried *Tombstone
	// State is that which is kept of it, and Known whether one is.
	State health.Verdict
	Known bool
	// Saved is all that is kept of it; nil if nothing is.
	Saved *schedule.Saved
}

// nothing is the journal of those who need none.
type nothing struct{}

func (nothing) Examine(*bolt.Tx) []string                          { return nil }
func (nothing) Load(*bolt.Tx) error                                { return nil }
func (nothing) Copy(_, _ *bolt.Tx) error                           { return nil }
func (nothing) Rescue(*bolt.Tx) error                              { return nil }
func (nothing) Collect() (map[string]*schedule.Saved, bool)        { return nil, false }
func (nothing) Write(*bolt.Tx, []Change) (publish func(), _ error) { return func() {}, nil }
func (nothing) Failed()                                            {}

// collect takes the states along that have changed, and reports whether there is anything
// to write but them.
func (r *Registry) collect() bool {
	states, more := r.journal.Collect()
	if len(states) > 0 {
		r.mu.Lock()
		maps.Copy(r.saved, states)
		r.mu.Unlock()
		maps.Copy(r.unsaved, states)
	}
	return more
}

// Flush writes the states that have changed, and what has happened, if there is anything.
func (r *Registry) Flush() error {
	return r.write(func(*batch) error { return nil })
}

// View reads registry.db as it is. It is for what others keep there.
func (r *Registry) View(read func(*bolt.Tx) error) error {
	r.writeMu.Lock()
	if r.store == nil || r.store.broken != nil || r.closed {
		r.writeMu.Unlock()
		return fmt.Errorf("reading: %w", ErrStorage)
	}
	db := r.store.db
	r.writeMu.Unlock()
	return db.View(read)
}

// order are the sources by precedence, as they will be.
func (b *batch) order() []prober.Source {
	b.r.mu.RLock()
	order := slices.Clone(b.r.order)
	b.r.mu.RUnlock()
	for k := range b.targets {
		if !slices.Contains(order, k.source) {
			order = append(order, k.source)
		}
	}
	slices.SortFunc(order, prober.Source.Compare)
	return order
}

// effective is the target of the app as it will be, of these sources.
func (b *batch) effective(app string, order []prober.Source) *prober.Target {
	b.r.mu.RLock()
	defer b.r.mu.RUnlock()
	for _, source := range order {
		t, staged := b.targets[key{source, app}]
		if !staged {
			t = b.r.sources[source][app]
		}
		if t == nil {
			continue
		}
		paused, ok := b.r.pauses[app]
		if word, staged := b.pauses[app]; staged {
			if ok = word != nil; ok {
				paused = *word
			}
		}
		if ok && paused != t.Paused {
			other := *t
			other.Paused = paused
			return &other
		}
		return t
	}
	return nil
}

// compare finds what the batch changes.
func (b *batch) compare() {
	apps := map[string]struct{}{}
	for k := range b.targets {
		apps[k.app] = struct{}{}
	}
	for app := range b.pauses {
		apps[app] = struct{}{}
	}
	for app := range b.tombstones {
		apps[app] = struct{}{}
	}
	at, order := now(), b.order()
	for _, app := range slices.Sorted(maps.Keys(apps)) {
		next := b.effective(app, order)
		b.r.mu.RLock()
		c := b.r.changeLocked(app, b.r.effective[app], next, at)
		if c.Buried = b.r.tombstones[app]; c.Buried != nil && next == nil {
			if t, staged := b.tombstones[app]; !staged || t != nil {
				c.Buried = nil
			}
		}
		b.r.mu.RUnlock()
		if c.New == nil {
			c.Gone = b.tombstones[app]
		}
		b.change(c)
	}
}

// changeLocked is the change of an app from one target to another.
func (r *Registry) changeLocked(app string, old, next *prober.Target, at time.Time) Change {
	c := Change{App: app, At: at, Old: old, New: next}
	if s := r.saved[app]; s != nil {
		c.State, c.Known, c.Saved = s.State.Verdict, true, s
	}
	return c
}

// change adds what the journal is told of, if it is a change.
func (b *batch) change(c Change) {
	switch {
	case c.Old == nil && c.New == nil && c.Buried == nil:
	case c.Old != nil && c.New != nil && c.Old.Equal(c.New):
	default:
		b.happened = append(b.happened, c)
	}
}
