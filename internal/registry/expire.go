package registry

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

const (
	// renewalDelay is how long renewals wait for others, to be written together.
	renewalDelay = 5 * time.Second
	// keeperTick is how often it is looked whether the program runs. If that is late by
	// keeperLate, nobody could renew a lease in the meantime.
	keeperTick = 5 * time.Second
	keeperLate = time.Second
	// leaseRetry is when an expiry that could not be stored is tried again.
	leaseRetry = 10 * time.Second
)

// ErrNoLease is wrapped when a target is there but has no lease to renew.
var ErrNoLease = errors.New("no lease")

// Renew begins another term of a registration's lease if check, which sees the record,
// agrees; its error is returned as it is. It does not wait for the disk: a renewal
// counts at once, and is written now and then together with others.
func (r *Registry) Renew(app string, check func(t *prober.Target) error) (end time.Time, err error) {
	r.mu.RLock()
	t := r.sources[prober.SourceAPI][app]
	r.mu.RUnlock()
	if t == nil {
		return time.Time{}, fmt.Errorf("renewing %q: %w", app, ErrNotFound)
	}
	if check != nil {
		if err := check(t); err != nil {
			return time.Time{}, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch now := r.sources[prober.SourceAPI][app]; {
	case now == nil || now.Owner != t.Owner: // it was removed, or is another one, meanwhile
		return time.Time{}, fmt.Errorf("renewing %q: %w", app, ErrNotFound)
	case now.TTL <= 0:
		return time.Time{}, fmt.Errorf("renewing %q: %w", app, ErrNoLease)
	}
	end, ok := r.renewLocked(app)
	if !ok {
		return time.Time{}, fmt.Errorf("renewing %q: its lease has just ended: %w", app, ErrNotFound)
	}
	return end, nil
}

// renewLocked renews a lease that has not ended, if there is one.
func (r *Registry) renewLocked(app string) (end time.Time, ok bool) {
	before := len(r.leases.fresh)
	end, ok = r.leases.renew(app, time.Now())
	if before == 0 && len(r.leases.fresh) > 0 {
		r.wakeExpiry()
	}
	return end, ok
}

// LeaseEnd is when the registration of the app ends unless it is renewed.
func (r *Registry) LeaseEnd(app string) (end time.Time, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	each := r.leases.all[app]
	if each == nil {
		return time.Time{}, false
	}
	return each.end, true
}

// Expired counts the targets that are gone since Open although nobody has removed
// them, by reason. All reasons are there.
func (r *Registry) Expired() map[Reason]uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	counts := map[Reason]uint64{}
	for _, reason := range Reasons() {
		counts[reason] = r.expired[reason]
	}
	return counts
}

func (r *Registry) wakeExpiry() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// expireLeases ends leases, writes renewals and drops old tombstones when it is time, until
// Close.
func (r *Registry) expireLeases() {
	var renewals time.Time // when they are to be written; zero if there are none
	for {
		r.mu.RLock()
		waiting, next := len(r.leases.fresh) > 0, earlier(r.leases.next(), r.nextOverdueLocked())
		r.mu.RUnlock()
		switch {
		case !waiting:
			renewals = time.Time{}
		case renewals.IsZero():
			renewals = time.Now().Add(renewalDelay)
		}
		began := time.Now()
		planned := began.Add(keeperTick)
		if at := earlier(next, renewals); !at.IsZero() && at.Before(planned) {
			planned = later(at, began)
		}
		if !r.pause(planned) {
			return
		}
		now := time.Now()
		r.excuse(now.Sub(planned))
		r.expire(now)
		if !renewals.IsZero() && !now.Before(renewals) {
			renewals = time.Time{}
			_ = r.write(func(*batch) error { return nil }) // every commit takes them along; its error is logged there
		}
	}
}

// pause waits until then, or until something is new, and reports whether to go on.
func (r *Registry) pause(until time.Time) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-r.stop:
		return false
	case <-r.wake:
	case <-timer.C:
	}
	return true
}

// excuse has all leases last longer if we woke so late that the program did not run.
func (r *Registry) excuse(late time.Duration) {
	if late < keeperLate {
		return
	}
	r.mu.Lock()
	r.leases.extend(late + keeperTick) // it may have begun a tick before
	r.mu.Unlock()
	r.log.Warn("the program did not run for a while: leases last longer by as much", "pause", late)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// nextOverdueLocked is when the next tombstone is old; zero for never.
func (r *Registry) nextOverdueLocked() time.Time {
	var first time.Time
	for _, t := range r.tombstones {
		first = earlier(first, t.At.Add(tombstonesKept))
	}
	return first
}

// expire removes what was not renewed, and tombstones that are old.
func (r *Registry) expire(now time.Time) {
	r.mu.Lock()
	due := r.leases.due(now)
	for _, app := range due {
		if t := r.effective[app]; t != nil && t.Paused {
			r.leases.postpone(app, now.Add(r.leases.all[app].ttl)) // its program may be off while it is
		}
	}
	old := overdue(r.tombstones, now)
	r.mu.Unlock()
	if len(due) == 0 && len(old) == 0 {
		return
	}
	var gone []*Tombstone
	err := r.write(func(b *batch) error {
		for _, app := range old {
			b.tombstones[app] = nil
		}
		for _, app := range due {
			if tombstone := b.expire(app, now); tombstone != nil {
				gone = append(gone, tombstone)
			}
		}
		b.trimTombstones(now)
		return nil
	})
	if err != nil { // logged by noteWrite
		r.mu.Lock()
		for _, app := range due {
			r.leases.postpone(app, now.Add(leaseRetry))
		}
		r.mu.Unlock()
		return
	}
	r.noteGone(gone)
}

// noteGone counts and logs.
func (r *Registry) noteGone(lost []*Tombstone) {
	if len(lost) == 0 {
		return
	}
	r.mu.Lock()
	for _, t := range lost {
		r.expired[t.Reason]++
	}
	r.mu.Unlock()
	for _, t := range lost {
		r.log.Warn("target is gone", "target", t.App, "source", t.Source, "place", t.Place, "reason", string(t.Reason),
			"since", t.Since, "last_state", t.LastState.String())
	}
}

// expire stages the end of a registration that was not renewed. It gives the
// tombstone, nil if another source still names the app.
func (b *batch) expire(app string, now time.Time) *Tombstone {
	k := key{prober.SourceAPI, app}
	t := b.target(k)
	b.r.mu.RLock()
	each := b.r.leases.all[app]
	ended := each != nil && each.ended
	var tombstone *Tombstone
	if t != nil && ended {
		tombstone = b.r.newTombstoneLocked(t, LeaseExpired, each.renewed, now)
	}
	b.r.mu.RUnlock()
	if tombstone == nil {
		return nil // it was registered anew, or removed, in the meantime
	}
	b.set(k, nil)
	if b.elsewhere(k) {
		return nil
	}
	b.pause(app, nil)
	b.tombstones[app] = tombstone
	return tombstone
}

// trimTombstones stages the end of tombstones that are too many.
func (b *batch) trimTombstones(now time.Time) {
	b.r.mu.RLock()
	all := maps.Clone(b.r.tombstones)
	b.r.mu.RUnlock()
	maps.Copy(all, b.tombstones)
	maps.DeleteFunc(all, func(_ string, t *Tombstone) bool { return t == nil })
	for _, app := range overdue(all, now) {
		b.tombstones[app] = nil
	}
}
