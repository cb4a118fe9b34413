package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/mail"
)

// Sender sends mails over one connection, as mail.SMTP does: those that next gives,
// until it gives nil. It calls done for each, and ends early after an error that is not
// of the mail.
type Sender interface {
	Carry(ctx context.Context, next func() *mail.Message, done func(error))
}

// Options are those of an Outbox. Zero fields mean their defaults, unless they are
// said to be required.
type Options struct {
	// Path is the directory to keep the file in; empty keeps everything in memory.
	Path string
	// Sender sends, and Templates write the mails. Without a Sender nobody is told
	// anything, and nothing is remembered of what happens.
	Sender    Sender
	Templates *mail.Templates
	// To are the recipients of what has none of its own.
	To []string
	// Wait is how long after the first change others are waited for that may have the
	// same cause; default 5 s, negative for not at all.
	Wait time.Duration
	// Interval is the least time between two mails to the same recipient; what happens
	// meanwhile comes in one. Default one minute, negative for none.
	Interval time.Duration
	// Reminder is how often an outage that goes on is told again; 0 for never.
	Reminder time.Duration
	// Subject is a subject as it is now, also one that is gone; nil if there is none. The
	// Outbox is locked while it asks. Required but for Try.
	Subject func(kind alerting.Kind, name string) *alerting.Subject
	// Hold reports whether nothing shall be told of a subject at the moment, as during
	// maintenance; nil never holds. What happened meanwhile is told afterwards, as one
	// change.
	Hold func(s *alerting.Subject, now time.Time) bool
	// Redact, if set, takes secrets out of every text that is told.
	Redact func(string) string
	// Log must not be nil.
	Log *slog.Logger

	maxQueue int // another in tests; 0 means the default
}

const (
	defaultWait     = 5 * time.Second
	defaultInterval = time.Minute
	// defaultMaxQueue is how many notices wait at most. Beyond, the oldest are dropped.
	defaultMaxQueue = 20_000
)

// Outbox tells people of changes by e-mail. What it has taken in it tells once, also
// if the mail server is away for a while, and if the program is killed in between.
type Outbox struct {
	opts    Options
	store   *store
	writing sync.Mutex // makes one flush at a time; taken before mu

	mu    sync.Mutex // protects all following fields, and is not held over a write
	queue []entry    // oldest first
	seq   uint64
	// known are the memories of subjects that are not just well.
	known  map[string]alerting.Memory
	later  deadlines // when to look at them again
	cursor cursor    // where the journal was read to
	// unwritten are changes that are in force, but not on disk yet.
	unwritten []*changes
	stats     Stats
	logged    map[string]time.Time // when an error was last logged, by its text

	recipients    map[string]*recipient
	letters       []*letter        // that nobody has taken up yet
	underWay      map[*letter]bool // that somebody carries
	carriers      int
	taken         time.Time     // when a letter was last taken up
	retired       chan struct{} // closed when there is another Sender
	pause         time.Duration // after an error of the server
	retryAt       time.Time
	serverProblem string // why the server could not be used the last time

	carrying sync.WaitGroup
	wake     chan struct{}
}

// Stats are the Outbox's own figures.
type Stats struct {
	// Queued is how many notices wait, and Oldest since when; zero if none does.
	Queued int
	Oldest time.Time
	// Sent and Failed count mails; those that failed for good, or were tried in vain, by
	// reason.
	Sent   uint64
	Failed map[string]uint64
	// Dropped counts notices that were never told: the queue was full, or the recipient
	// is refused.
	Dropped uint64
	// Problem is why the last attempt failed; empty if it did not.
	Problem string
	// Damage is what was wrong with the file at start, which lost what was in it; empty
	// for nothing.
	Damage string
	// DiskProblem is why the last attempt to write the file failed; empty if it did not, and
	// without a file. What is to be told is in memory meanwhile.
	DiskProblem string
}

// Open makes an Outbox ready. Run must follow, and Close.
func Open(opts Options) (*Outbox, error) {
	opts.Wait = cmp.Or(opts.Wait, defaultWait)
	opts.Interval = cmp.Or(opts.Interval, defaultInterval)
	opts.maxQueue = cmp.Or(opts.maxQueue, defaultMaxQueue)
	o := &Outbox{
		opts: opts, logged: map[string]time.Time{},
		recipients: map[string]*recipient{}, underWay: map[*letter]bool{}, retired: make(chan struct{}),
		wake: make(chan struct{}, 1), stats: Stats{Failed: map[string]uint64{}},
	}
	var err error
	var found stored
	if o.store, found, err = openStore(opts.Path, opts.Log); err != nil {
		return nil, err
	}
	o.adopt(found)
	return o, nil
}

// Close closes the file.
func (o *Outbox) Close() error { return errors.Join(o.flush(nil), o.store.close()) }

// Kept is what Keep was given, the last of each key: room for whoever pushes to
// remember in.
func (o *Outbox) Kept() (map[string][]byte, error) {
	all, err := o.store.kept()
	maps.DeleteFunc(all, func(key string, _ []byte) bool { return strings.HasPrefix(key, windowPrefix) })
	return all, err
}

// Keep keeps values by key; nil forgets one.
func (o *Outbox) Keep(values map[string][]byte) error { return o.store.keep(values) }

// Reconfigure replaces the options but Path, Log and Subject. Whoever is told of an
// outage from now on, by another address or another configuration, hears of it.
func (o *Outbox) Reconfigure(opts Options) {
	opts.Wait = cmp.Or(opts.Wait, defaultWait)
	opts.Interval = cmp.Or(opts.Interval, defaultInterval)
	opts.maxQueue = cmp.Or(opts.maxQueue, defaultMaxQueue)
	o.mu.Lock()
	defer o.mu.Unlock()
	opts.Path, opts.Log, opts.Subject = o.opts.Path, o.opts.Log, o.opts.Subject
	o.opts = opts
	// What was wrong may be right now.
	o.pause, o.retryAt, o.serverProblem = 0, time.Time{}, ""
	for _, r := range o.recipients {
		r.pause, r.retryAt, r.problem = 0, time.Time{}, ""
	}
	close(o.retired)
	o.retired = make(chan struct{})
	o.recall()
	o.review()
	o.Wake() // which writes what comes of it
}

// enqueue adds a notice for each of its recipients; mu is held.
func (o *Outbox) enqueue(c *changes, n *alerting.Notice) {
	if n == nil || o.opts.Sender == nil {
		return
	}
	if clean := o.opts.Redact; clean != nil {
		n.Reason, n.Subject.Error, n.Subject.Place = clean(n.Reason), clean(n.Subject.Error), clean(n.Subject.Place)
		n.Subject.Response = []byte(clean(string(n.Subject.Response)))
	}
	to := o.opts.To
	if n.Subject.Email != "" {
		to = []string{n.Subject.Email}
	}
	for _, address := range to {
		o.seq++
		e := entry{Seq: o.seq, To: address, Notice: *n}
		e.Notice.ID = o.seq
		c.add = append(c.add, e)
	}
}

// shorten drops what is too much: the oldest of whoever has the most to be told, so
// that nobody loses news because another one cannot be reached. mu is held.
func (o *Outbox) shorten(c *changes) {
	excess := len(o.queue) - o.opts.maxQueue
	if excess <= 0 {
		return
	}
	waiting, drop := map[string]int{}, map[string]int{}
	for i := range o.queue {
		waiting[o.queue[i].To]++
	}
	for range excess {
		most := ""
		for to, n := range waiting {
			if n > waiting[most] || n == waiting[most] && to < most {
				most = to
			}
		}
		waiting[most]--
		drop[most]++
	}
	o.queue = slices.DeleteFunc(o.queue, func(e entry) bool {
		if drop[e.To] == 0 {
			return false
		}
		drop[e.To]--
		c.drop = append(c.drop, e.Seq)
		o.stats.Dropped++
		return true
	})
}

// Wake has Run look again at what may be told: what holds it back has changed.
func (o *Outbox) Wake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Stats tells how it goes.
func (o *Outbox) Stats() Stats {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.stats
	s.Failed = maps.Clone(o.stats.Failed)
	s.Queued, s.Problem = len(o.queue), o.problem(time.Now())
	if damage := o.store.damage.Load(); damage != nil {
		s.Damage = *damage
	}
	if failed := o.store.failed.Load(); failed != nil {
		s.DiskProblem = *failed
	}
	if len(o.queue) > 0 {
		s.Oldest = o.queue[0].Notice.Time
	}
	return s
}

// complain logs an error, the same one once an hour; mu is held.
func (o *Outbox) complain(what string, err error) {
	text := what + ": " + err.Error()
	now := time.Now()
	if last, ok := o.logged[text]; ok && now.Sub(last) < time.Hour {
		return
	}
	if len(o.logged) > 100 {
		clear(o.logged)
	}
	o.logged[text] = now
	o.opts.Log.Error("notifications cannot be delivered; this is logged once an hour", "step", what, "queued", len(o.queue), "err", err)
}

// composeError is an error of composing, which no retry will mend.
func composeError(err error) error {
	return &mail.SendError{Reason: "template", Text: fmt.Sprintf("composing the mail: %s", err)}
}
