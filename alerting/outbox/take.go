package outbox

import (
	"iter"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// cursor says how far the journal was read.
type cursor struct {
	Seq uint64 `json:"seq"`
	// Known is false as long as nothing was read: people are told of what is bad when the
	// Outbox begins, and of nothing older.
	Known bool `json:"known"`
}

// lookAgain is when a subject is looked at again that has a deadline but cannot be told
// of, as while it is paused.
const lookAgain = time.Minute

// Cursor is the place in the journal of the event that was taken in last, to be asked for
// before Take. ok is false if the Outbox does not know what happened before, and Begin
// must follow.
func (o *Outbox) Cursor() (seq uint64, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.cursor.Seq, o.cursor.Known
}

// Listens reports whether there is anybody to tell. If not, neither Begin nor Take need be
// called.
func (o *Outbox) Listens() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.opts.Sender != nil
}

// Take takes in what happened next, oldest first. When it returns without error that is on
// disk, together with the place in the journal; with an error it is in memory only, and
// must not be given again.
func (o *Outbox) Take(events []alerting.Event) error {
	if len(events) == 0 {
		return nil
	}
	c := newChanges()
	o.takeAll(c, events)
	return o.flush(c)
}

func (o *Outbox) takeAll(c *changes, events []alerting.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.opts.Sender == nil { // since a moment ago
		return
	}
	now := time.Now()
	for i := range events {
		o.takeIn(c, &events[i], now)
	}
	o.move(c, cursor{events[len(events)-1].Seq, true})
	o.commit(c)
}

// takeIn takes one event in; mu is held.
func (o *Outbox) takeIn(c *changes, e *alerting.Event, now time.Time) {
	key := e.Key()
	m := o.known[key]
	switch e.What {
	case alerting.Removed:
		if s := e.Subject; s != nil {
			if s.Email == "" && m.Subject.Email != "" { // removed while nobody looked
				was := *s
				was.Email = m.Subject.Email
				s = &was
			}
			o.enqueue(c, m.Removed(s, e.Time))
		}
		o.remember(c, key, alerting.Memory{})
		return
	case alerting.Forgotten:
		o.remember(c, key, alerting.Memory{})
		return
	case alerting.Lost:
		if e.Subject != nil {
			next, n := m.Tick(e.Subject, e.Time, 0)
			o.enqueue(c, n)
			o.remember(c, key, next)
		}
		return
	}
	s := o.opts.Subject(e.Kind, e.Name)
	if s == nil || !s.Gone.IsZero() { // what became of it an event tells that follows
		if e.What == alerting.Registered {
			o.remember(c, key, m.Return(now))
		}
		return
	}
	var n *alerting.Notice
	switch e.What {
	case alerting.StateChanged:
		if m.Has(e.Change) {
			return
		}
		m, n = m.Take(s, e.Change)
	case alerting.NotProbed:
		m, n = m.Stall(s, e.Time)
	default:
		m, n = m.Tick(s, now, o.opts.Reminder)
	}
	o.enqueue(c, n)
	o.remember(c, key, m)
}

// Begin takes in how everything is, as of a place in the journal, when what happened
// before is not known. People are told of what is bad now, unless that was told already;
// and that what was told to be bad is well.
func (o *Outbox) Begin(subjects iter.Seq[*alerting.Subject], seq uint64) error {
	c := newChanges()
	o.beginAll(c, subjects, seq)
	return o.flush(c)
}

func (o *Outbox) beginAll(c *changes, subjects iter.Seq[*alerting.Subject], seq uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.opts.Sender == nil {
		return
	}
	for s := range subjects {
		key := s.Key()
		m := o.known[key]
		if s.Gone.IsZero() || m.Open() { // else it was lost long ago
			o.begin(c, key, m, s)
		}
	}
	o.move(c, cursor{seq, true})
	o.commit(c)
}

// move notes how far the journal was read; mu is held.
func (o *Outbox) move(c *changes, to cursor) {
	o.cursor = to
	c.cursor = &to
}

// begin is Begin for one subject; mu is held.
func (o *Outbox) begin(c *changes, key string, m alerting.Memory, s *alerting.Subject) {
	was := m.Last.To
	if !m.Open() {
		was = health.Healthy // nobody was told otherwise
	}
	var n *alerting.Notice
	if s.Gone.IsZero() && s.State != was && (m.Open() || alerting.Bad(s.State)) {
		m, n = m.Take(s, alerting.Change{Time: s.Since, From: was, To: s.State, Reason: s.Error})
	} else if m.Open() {
		m, n = m.Tick(s, time.Now(), o.opts.Reminder)
	}
	m.Seen = s.Since // what led to it may follow
	o.enqueue(c, n)
	o.remember(c, key, m)
}

// adopt takes over what is on disk. An older program remembered every subject, and what
// there was to tell although there was nobody to be told. mu is held, or nobody else is
// there yet.
func (o *Outbox) adopt(found stored) {
	o.queue, o.known, o.cursor = found.queue, found.known, found.cursor
	for _, e := range o.queue {
		o.seq = max(o.seq, e.Seq)
	}
	c := newChanges()
	for key, m := range o.known {
		if !m.Open() || found.old && o.opts.Sender == nil {
			delete(o.known, key)
			c.forget[key] = true
			continue
		}
		o.later.add(key, m.Due(o.opts.Reminder))
	}
	if o.opts.Sender == nil && o.cursor.Known {
		o.move(c, cursor{})
	}
	o.note(c)
}

// remember keeps of a subject what there is to remember, if anything; mu is held.
func (o *Outbox) remember(c *changes, key string, m alerting.Memory) {
	old, known := o.known[key]
	switch {
	case m.Open():
		o.known[key] = m
		c.remember[key] = m
		delete(c.forget, key)
		if due := m.Due(o.opts.Reminder); !due.Equal(old.Due(o.opts.Reminder)) {
			o.later.add(key, due)
		}
	case known:
		delete(o.known, key)
		delete(c.remember, key)
		c.forget[key] = true
	}
}

// review looks at all that is remembered: the options are others. mu is held.
func (o *Outbox) review() {
	c := newChanges()
	if o.opts.Sender == nil {
		// Whoever is told again some day wants no news of the time in between.
		if o.cursor.Known {
			o.move(c, cursor{})
		}
		o.commit(c)
		return
	}
	now := time.Now()
	o.later = nil
	for key, m := range o.known {
		o.later.add(key, m.Due(o.opts.Reminder))
		o.look(c, key, now)
	}
	o.commit(c)
}

// remind tells what time alone brings, and says when there may be more; mu is held.
func (o *Outbox) remind(now time.Time) time.Duration {
	if o.opts.Sender == nil {
		return time.Minute
	}
	due := o.later.take(now)
	if len(due) > 0 {
		c := newChanges()
		for key := range due {
			o.look(c, key, now)
			if m, open := o.known[key]; open {
				if at := m.Due(o.opts.Reminder); !at.IsZero() && !at.After(now) {
					o.later.add(key, now.Add(lookAgain))
				}
			}
		}
		o.commit(c)
	}
	return o.later.next(now)
}

// look looks at one subject that is remembered; mu is held.
func (o *Outbox) look(c *changes, key string, now time.Time) {
	m, open := o.known[key]
	s := o.opts.Subject(alerting.SplitKey(key))
	if !open || s == nil || !s.Gone.Equal(m.Gone) { // what became of it an event tells
		return
	}
	before := m.Subject
	m, n := m.Tick(s, now, o.opts.Reminder)
	if n == nil && m.Open() && before.Email == m.Subject.Email && len(m.Crossings) == len(o.known[key].Crossings) {
		return // nothing that is worth a write
	}
	o.enqueue(c, n)
	o.remember(c, key, m)
}

// commit puts changes in force, to be written by the next flush; mu is held.
func (o *Outbox) commit(c *changes) {
	if c.empty() {
		return
	}
	o.queue = append(o.queue, c.add...)
	o.note(c)
	if len(o.queue) > o.opts.maxQueue { // what is over is not worth what would be lost
		o.merge(func(*entry) bool { return true })
		dropped := &changes{} // some of it may be in c, which comes first
		o.shorten(dropped)
		o.note(dropped)
	}
	o.Wake() // what holds news back may have changed, too
}
