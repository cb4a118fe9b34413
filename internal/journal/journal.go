package journal

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// Options say what is kept. The zero value is valid, and keeps events in memory only.
type Options struct {
	// View reads the file that has the events; nil for memory only. It is not called
	// before Load.
	View func(read func(*bbolt.Tx) error) error
	// Keep is how long events are kept; default 7 days.
	Keep time.Duration
	// Most is how many events are kept; default 1 000 000.
	Most int
	// Recent is how many of them are in memory too; default 4096. Without a file these are all.
	Recent int
}

// Defaults of Options.
const (
	DefaultKeep   = 7 * 24 * time.Hour
	DefaultMost   = 1_000_000
	DefaultRecent = 4096
)

// Journal is the list of events. Its methods may be called at any time from any
// goroutine, but those that have a transaction by one at a time.
type Journal struct {
	// Immutable.
	view   func(func(*bbolt.Tx) error) error
	keep   time.Duration
	most   int
	few    int
	before func(step string) error // for tests: may stop a transaction before a step of it

	mu      sync.RWMutex // protects all following fields
	loaded  bool
	opened  uint64
	head    uint64        // the last that is published
	written uint64        // the last that is on the disk
	kept    int           // how many are on the disk
	recent  []Event       // the last ones, without a hole; what is in the array never changes
	woken   chan struct{} // closed by the next publish
	staged  staged
}

// staged is what was appended in a transaction and is not published yet.
type staged struct {
	tx   *bbolt.Tx
	last uint64
}

// New makes a journal without events. If there is a file, Load must follow.
func New(o Options) *Journal {
	j := &Journal{
		view: o.View, keep: cmp.Or(o.Keep, DefaultKeep), most: cmp.Or(o.Most, DefaultMost), few: cmp.Or(o.Recent, DefaultRecent),
		before: func(string) error { return nil }, woken: make(chan struct{}),
	}
	j.few = min(j.few, j.most)
	return j
}

// Load takes over what the file has, which must have been checked.
func (j *Journal) Load(tx *bbolt.Tx) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.loaded = true
	b := tx.Bucket([]byte(bucketName))
	if b == nil {
		return nil
	}
	j.head = lastOf(b)
	j.opened, j.written = j.head, j.head
	c := b.Cursor()
	for key, _ := c.First(); key != nil; key, _ = c.Next() {
		j.kept++
	}
	var list []Event // newest first
	for key, value := c.Last(); key != nil && len(list) < j.few; key, value = c.Prev() {
		seq := seqOf(key)
		r, err := parse(seq, value)
		if err != nil || seq != j.head-uint64(len(list)) {
			break
		}
		list = append(list, r.event(seq))
	}
	slices.Reverse(list)
	j.recent = list
	return nil
}

// lastOf is the number of the last event that there ever was. After the last event was
// lost the bucket still knows its number.
func lastOf(b *bbolt.Bucket) uint64 {
	last, _ := b.Cursor().Last()
	return max(seqOf(last), b.Sequence())
}

// Head is the number of the last event that is published; 0 if there never was one.
func (j *Journal) Head() uint64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.head
}

// Opened is the number of the last event that there was when the journal was loaded. A
// reader that has taken in a later one then has events that were lost.
func (j *Journal) Opened() uint64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.opened
}

// Wait returns when there are events after one, or ctx is done, whose cause it returns.
func (j *Journal) Wait(ctx context.Context, after uint64) error {
	for {
		j.mu.RLock()
		head, woken := j.head, j.woken
		j.mu.RUnlock()
		if head > after {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-woken:
		}
	}
}

// Stats are the journal's own figures.
type Stats struct {
	// Head is the number of the last event.
	Head uint64
	// Kept is how many events are kept.
	Kept int
	// Unwritten is how many of the last events the disk does not have yet.
	Unwritten int
}

// Stats reads the journal's own figures.
func (j *Journal) Stats() Stats {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if j.view == nil {
		return Stats{Head: j.head, Kept: len(j.recent)}
	}
	owed := min(int(j.head-j.written), len(j.recent))
	return Stats{Head: j.head, Kept: j.kept + owed, Unwritten: owed}
}
