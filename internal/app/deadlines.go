package app

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// deadlines is what time alone brings: a heap of what is to be done when, the earliest
// first, so that nobody need look now and then.
type deadlines struct {
	woken chan struct{} // one slot: there is an earlier one

	mu    sync.Mutex // protects all following fields
	queue deadlineQueue
	named map[string]*deadline
}

type deadline struct {
	name string
	at   time.Time
	due  func(now time.Time)
	pos  int // in the queue
}

func newDeadlines() *deadlines {
	return &deadlines{woken: make(chan struct{}, 1), named: map[string]*deadline{}}
}

// set has something done at a moment, in place of what was to be done under that name;
// at the zero time nothing.
func (d *deadlines) set(name string, at time.Time, due func(now time.Time)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old := d.named[name]; old != nil {
		heap.Remove(&d.queue, old.pos)
		delete(d.named, name)
	}
	if at.IsZero() {
		return
	}
	each := &deadline{name: name, at: at, due: due}
	d.named[name] = each
	heap.Push(&d.queue, each)
	signal(d.woken)
}

// longest is how long a timer may run: the wall clock, by which deadlines are, may
// be set, or the machine may sleep.
const longest = time.Minute

// run does what is due, until ctx is done.
func (d *deadlines) run(ctx context.Context) {
	for {
		wait := longest
		for _, each := range d.takeDue(time.Now()) {
			each.due(time.Now())
		}
		if next := d.next(); !next.IsZero() {
			wait = min(wait, time.Until(next))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-d.woken:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (d *deadlines) takeDue(now time.Time) (due []*deadline) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.queue) > 0 && !d.queue[0].at.After(now) {
		each := heap.Pop(&d.queue).(*deadline)
		delete(d.named, each.name)
		due = append(due, each)
	}
	return due
}

// next is when something is due; zero for never.
func (d *deadlines) next() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		return time.Time{}
	}
	return d.queue[0].at
}

type deadlineQueue []*deadline

func (q deadlineQueue) Len() int           { return len(q) }
func (q deadlineQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q deadlineQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].pos, q[j].pos = i, j
}

func (q *deadlineQueue) Push(x any) {
	each := x.(*deadline)
	each.pos = len(*q)
	*q = append(*q, each)
}

func (q *deadlineQueue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return x
}
