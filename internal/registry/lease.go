package registry

import (
	"container/heap"
	"slices"
	"time"
)

// lease is until when a registration counts.
type lease struct {
	ttl     time.Duration
	renewed time.Time // when it was last
	stored  time.Time // the renewal that the disk has
	end     time.Time
	queued  time.Time // where it stands in the queue; not after end
	ended   bool      // it is being removed: too late to renew it
}

// leases are those of all registrations that have one, by app. A renewal only
// changes an entry of a map; the queue is put in order when the time has come that
// the lease had when it was queued.
type leases struct {
	all   map[string]*lease
	queue leaseQueue
	fresh map[string]bool // renewals that the disk ought to have and has not
}

func newLeases() leases { return leases{all: map[string]*lease{}, fresh: map[string]bool{}} }

// grant begins a lease, or another term of it. stored reports whether the disk has it, or is
// being given, the time of the renewal.
func (l *leases) grant(app string, ttl time.Duration, renewed, now time.Time, stored bool) {
	each := l.all[app]
	if each == nil {
		each = &lease{}
		l.all[app] = each
	}
	each.ttl, each.renewed, each.ended = ttl, renewed, false
	if stored {
		each.stored = renewed
		delete(l.fresh, app)
	}
	l.until(app, each, now.Add(ttl))
}

// until sets the end.
func (l *leases) until(app string, each *lease, end time.Time) {
	each.end = end
	if each.queued.IsZero() || end.Before(each.queued) {
		each.queued = end
		heap.Push(&l.queue, queuedLease{end, app})
		l.tidy()
	}
}

// renew begins another term. It reports whether there is a lease that has not ended.
func (l *leases) renew(app string, now time.Time) (end time.Time, ok bool) {
	each := l.all[app]
	if each == nil || each.ended {
		return time.Time{}, false
	}
	l.grant(app, each.ttl, now, now, false)
	if now.Sub(each.stored) >= each.ttl/4 {
		l.fresh[app] = true
	}
	return each.end, true
}

// postpone gives a lease that has ended more time, which is not a renewal.
func (l *leases) postpone(app string, end time.Time) {
	if each := l.all[app]; each != nil && each.ended {
		each.ended = false
		l.until(app, each, end)
	}
}

// extend has all leases last longer: for a while nobody could renew them.
func (l *leases) extend(by time.Duration) {
	for app, each := range l.all {
		if !each.ended {
			l.until(app, each, each.end.Add(by))
		}
	}
}

func (l *leases) drop(app string) {
	delete(l.all, app)
	delete(l.fresh, app)
}

// due ends the leases whose time has come, and names them.
func (l *leases) due(now time.Time) []string {
	var apps []string
	for len(l.queue) > 0 && !l.queue[0].at.After(now) {
		first := heap.Pop(&l.queue).(queuedLease)
		each := l.all[first.app]
		if each == nil || !each.queued.Equal(first.at) {
			continue // of a lease that is gone, or stands elsewhere in the queue
		}
		each.queued = time.Time{}
		if each.end.After(now) {
			l.until(first.app, each, each.end)
			continue
		}
		each.ended = true
		apps = append(apps, first.app)
	}
	return apps
}

// next is when to call due; zero for never.
func (l *leases) next() time.Time {
	if len(l.queue) == 0 {
		return time.Time{}
	}
	return l.queue[0].at
}

// unstored are the renewals that the disk ought to have.
func (l *leases) unstored() map[string]time.Time {
	times := make(map[string]time.Time, len(l.fresh))
	for app := range l.fresh {
		times[app] = l.all[app].renewed
	}
	return times
}

// wrote notes that the disk has them.
func (l *leases) wrote(times map[string]time.Time) {
	for app, at := range times {
		if each := l.all[app]; each != nil {
			each.stored = at
			delete(l.fresh, app)
		}
	}
}

// tidy keeps what is left in the queue of leases that are gone from piling up.
func (l *leases) tidy() {
	if len(l.queue) <= 2*len(l.all)+64 {
		return
	}
	l.queue = slices.DeleteFunc(l.queue, func(q queuedLease) bool {
		each := l.all[q.app]
		return each == nil || !each.queued.Equal(q.at)
	})
	heap.Init(&l.queue)
}

type queuedLease struct {
	at  time.Time
	app string
}

// leaseQueue is a heap, the earliest first.
type leaseQueue []queuedLease

func (q leaseQueue) Len() int           { return len(q) }
func (q leaseQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q leaseQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *leaseQueue) Push(x any)        { *q = append(*q, x.(queuedLease)) }
func (q *leaseQueue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
