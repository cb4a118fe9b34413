package registry

import (
	"fmt"
	"maps"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

// change is one call that wants to write. Calls that come while another is
// writing are written together: whoever gets writeMu first writes for all.
type change struct {
	stage    func(*batch) error
	done     bool
	err      error
	panicked any
}

// batch is what one transaction changes: neither durable nor visible yet. Its
// methods show the registry as it will be after what is staged already.
type batch struct {
	r          *Registry
	targets    map[key]*prober.Target // nil: removed
	pauses     map[string]*bool       // nil: taken back
	tombstones map[string]*Tombstone  // nil: dropped
	owned      tally                  // differences
	added      int                    // difference of the number of effective targets

	happened []Change // what the journal is told

	renewals          map[string]time.Time  // for the disk only: memory has them
	resavedTombstones map[string]*Tombstone // likewise
}

// write stages one change and returns when it is durable and visible, or
// refused. The error of stage is returned as it is.
func (r *Registry) write(stage func(*batch) error) error {
	c := &change{stage: stage}
	r.queueMu.Lock()
	r.queue = append(r.queue, c)
	r.queueMu.Unlock()

	r.writeMu.Lock()
	defer r.writeMu.Unlock()
	if !c.done {
		r.writeQueueLocked()
	}
	if c.panicked != nil {
		panic(c.panicked)
	}
	return c.err
}

func (r *Registry) writeQueueLocked() {
	r.queueMu.Lock()
	changes := r.queue
	r.queue = nil
	r.queueMu.Unlock()

	b := r.newBatch()
	for _, c := range changes {
		c.done, c.err = true, c.run(b, r.closed)
	}
	if err := r.commitLocked(b, false); err != nil {
		for _, c := range changes {
			if c.err == nil {
				c.err = err
			}
		}
	}
}

// run stages the change. A panic belongs to the caller of write, not to those
// whose changes happen to be in the same batch.
func (c *change) run(b *batch, closed bool) (err error) {
	if closed {
		return fmt.Errorf("%w: %w", ErrStorage, errClosed)
	}
	defer func() {
		if c.panicked = recover(); c.panicked != nil {
			err = fmt.Errorf("staging: %v", c.panicked)
		}
	}()
	return c.stage(b)
}

func (r *Registry) newBatch() *batch {
	return &batch{
		r: r, targets: map[key]*prober.Target{}, pauses: map[string]*bool{}, tombstones: map[string]*Tombstone{}, owned: tally{},
		renewals: map[string]time.Time{}, resavedTombstones: map[string]*Tombstone{},
	}
}

// target is the record as it will be.
func (b *batch) target(k key) *prober.Target {
	if t, staged := b.targets[k]; staged {
		return t
	}
	b.r.mu.RLock()
	defer b.r.mu.RUnlock()
	return b.r.sources[k.source][k.app]
}

// held is how many records there will be already when t comes.
func (b *batch) held(t *prober.Target) Held {
	b.r.mu.RLock()
	defer b.r.mu.RUnlock()
	held := Held{Total: len(b.r.effective) + b.added}
	held.add(b.r.owned, t)
	held.add(b.owned, t)
	return held
}

func (b *batch) elsewhere(k key) bool {
	b.r.mu.RLock()
	defer b.r.mu.RUnlock()
	return b.r.elsewhereLocked(k)
}

// ownPaused is what the winning record itself says, and whether there is one.
func (b *batch) ownPaused(app string) (paused, known bool) {
	b.r.mu.RLock()
	defer b.r.mu.RUnlock()
	if t := b.r.winnerLocked(app); t != nil {
		return t.Paused, true
	}
	return false, false
}

// set stages a record; nil removes it.
func (b *batch) set(k key, t *prober.Target) {
	old := b.target(k)
	if old != nil {
		b.owned.add(old, -1)
	}
	if t != nil {
		b.owned.add(t, 1)
	}
	if (old == nil) != (t == nil) && !b.elsewhere(k) {
		if t != nil {
			b.added++
		} else {
			b.added--
		}
	}
	b.targets[k] = t
	if t == nil {
		return
	}
	if t.TTL > 0 {
		b.renewals[k.app] = now()
	}
	b.r.mu.RLock()
	gone := b.r.tombstones[k.app] != nil
	b.r.mu.RUnlock()
	if gone || b.tombstones[k.app] != nil {
		b.tombstones[k.app] = nil
	}
}

// pause stages an operator's word; nil takes it back.
func (b *batch) pause(app string, paused *bool) {
	if _, staged := b.pauses[app]; !staged {
		b.r.mu.RLock()
		old, ok := b.r.pauses[app]
		b.r.mu.RUnlock()
		if paused == nil && !ok || paused != nil && ok && *paused == old {
			return
		}
	}
	b.pauses[app] = paused
}

func (b *batch) changes() int { return len(b.targets) + len(b.pauses) }

// complete adds what else the disk does not have yet, and reports whether there is
// anything to write.
func (b *batch) complete() bool {
	b.r.mu.RLock()
	defer b.r.mu.RUnlock()
	for app, at := range b.r.leases.unstored() {
		if _, staged := b.targets[key{prober.SourceAPI, app}]; !staged {
			b.renewals[app] = at
		}
	}
	for app := range b.r.unsavedTombstones {
		if _, staged := b.tombstones[app]; !staged {
			b.resavedTombstones[app] = b.r.tombstones[app]
		}
	}
	return b.changes()+len(b.tombstones)+len(b.renewals)+len(b.resavedTombstones)+len(b.r.unsaved)+len(b.happened) > 0
}

// commitLocked makes the batch and all unsaved states durable, then visible. If
// probe is set it writes even if there is nothing to write, to see whether the
// disk has recovered.
func (r *Registry) commitLocked(b *batch, probe bool) error {
	b.compare()
	more := r.collect()
	something := b.complete() || more
	if !something && !probe {
		return nil
	}
	tell, err := r.commit(b)
	if err != nil {
		r.journal.Failed()
		return err
	}
	r.dirty = r.dirty || r.store != nil && something
	clear(r.unsaved)
	clear(r.unsavedTombstones)
	r.publish(b)
	tell() // whoever hears of it then looks at what is visible
	return nil
}

// commit makes it durable, if there is a file.
func (r *Registry) commit(b *batch) (tell func(), err error) {
	if r.store == nil {
		return r.journal.Write(nil, b.happened)
	}
	tell, err = r.store.commit(b, r.unsaved, r.contents)
	r.noteWrite(err)
	return tell, err
}

// publish makes the batch visible.
func (r *Registry) publish(b *batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := time.Now()
	r.leases.wrote(b.renewals)
	for k, t := range b.targets {
		r.setLocked(k, t)
		if t != nil && t.TTL > 0 {
			r.leases.grant(k.app, t.TTL, b.renewals[k.app], at, true)
		} else {
			r.leases.drop(k.app)
		}
	}
	for app, paused := range b.pauses {
		if delete(r.pauses, app); paused != nil {
			r.pauses[app] = *paused
		}
		if each := r.leases.all[app]; each != nil { // who resumes is given a full term
			r.leases.until(app, each, at.Add(each.ttl))
		}
	}
	differs := false
	for k := range b.targets {
		differs = r.resolveLocked(k.app) || differs
	}
	for app := range b.pauses {
		differs = r.resolveLocked(app) || differs
	}
	r.buryAllLocked(b)
	r.stats.Changes += uint64(b.changes())
	if differs || len(b.tombstones) > 0 {
		r.signal()
	}
	if b.changes()+len(b.tombstones) > 0 {
		r.wakeExpiry()
	}
}

// buryAllLocked makes the tombstones of the batch visible, but for those of apps that
// another source has named since.
func (r *Registry) buryAllLocked(b *batch) {
	for app, t := range b.tombstones {
		if t != nil && r.winnerLocked(app) != nil {
			t, r.unsavedTombstones[app] = nil, true
		}
		r.entombLocked(app, t)
	}
	for k, t := range b.targets {
		if t != nil && r.tombstones[k.app] != nil {
			r.entombLocked(k.app, nil)
			r.unsavedTombstones[k.app] = true
		}
	}
}

// noteWrite counts, and logs when the disk fails and when it has recovered.
func (r *Registry) noteWrite(err error) {
	r.mu.Lock()
	before := r.stats.DiskFailed
	if r.stats.DiskFailed = err != nil; err != nil {
		r.stats.Errors++
	}
	r.mu.Unlock()
	switch {
	case err != nil && !before:
		r.log.Error("storage fails; registrations are refused until it has recovered", "err", err)
	case err == nil && before:
		r.log.Info("storage has recovered", "path", r.store.dir)
	}
}

// contents is all that ought to be on disk, from memory. The values are shared,
// the maps are not.
func (r *Registry) contents() *contents {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c := newContents(r.store.installation)
	for app, t := range r.sources[prober.SourceAPI] {
		c.targets[key{prober.SourceAPI, app}] = t
	}
	c.pauses, c.states, c.tombstones = maps.Clone(r.pauses), maps.Clone(r.saved), maps.Clone(r.tombstones)
	for app, each := range r.leases.all {
		c.renewals[app] = each.renewed.UTC().Round(0)
	}
	return c
}
