package outbox

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/mail"
	"github.com/health-exporter/health_exporter/health"
)

// postOffice takes mails, or refuses them.
type postOffice struct {
	mu    sync.Mutex
	mails []*mail.Message
	err   func(to string) error // nil for none
	slow  time.Duration
	// slowFor, if set, says how long it takes for a recipient.
	slowFor func(to string) time.Duration
	// uncertain has it take what is broken off, without saying so.
	uncertain bool
}

func (p *postOffice) Carry(ctx context.Context, next func() *mail.Message, done func(error)) {
	for m := next(); m != nil; m = next() {
		err := p.carry(ctx, m)
		done(err)
		if failure, ok := errors.AsType[*mail.SendError](err); ok && !failure.OfMail() {
			return
		}
	}
}

func (p *postOffice) carry(ctx context.Context, m *mail.Message) error {
	p.mu.Lock()
	slow, refuse := p.slow, p.err
	if p.slowFor != nil {
		slow = p.slowFor(m.To)
	}
	p.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		if p.uncertain {
			p.mu.Lock()
			p.mails = append(p.mails, m)
			p.mu.Unlock()
		}
		return &mail.SendError{Temporary: true, Reason: "timeout", Text: "stopped", Uncertain: p.uncertain}
	}
	if refuse != nil {
		if err := refuse(m.To); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mails = append(p.mails, m)
	return nil
}

// set changes how it behaves.
func (p *postOffice) set(slow time.Duration, err func(to string) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow, p.err = slow, err
}

// count is how many mails there are since the last call of taken.
func (p *postOffice) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.mails)
}

// taken lists the mails since the last call as "recipient: subject".
func (p *postOffice) taken() (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.mails {
		list = append(list, m.To+": "+m.Subject)
	}
	p.mails = nil
	slices.Sort(list)
	return list
}

// world has subjects whose states can be set, a journal of what became of them, and an
// Outbox that is told of it.
type world struct {
	t        *testing.T
	outbox   *Outbox
	office   *postOffice
	subjects map[string]*alerting.Subject
	changes  map[string][]alerting.Change
	stop     func()

	mu      sync.Mutex
	shown   map[string]alerting.Subject // by key, as the journal has them
	written map[string]int              // how many changes of each the journal has
	journal []alerting.Event
}

// emptyWorld has no Outbox yet.
func emptyWorld(t *testing.T) *world {
	return &world{
		t: t, office: &postOffice{}, subjects: map[string]*alerting.Subject{}, changes: map[string][]alerting.Change{},
		shown: map[string]alerting.Subject{}, written: map[string]int{},
	}
}

func newWorld(t *testing.T, opts Options) *world {
	t.Helper()
	w := emptyWorld(t)
	w.open(opts)
	return w
}

func (w *world) open(opts Options) {
	w.t.Helper()
	templates, err := mail.LoadTemplates("")
	if err != nil {
		w.t.Fatal(err)
	}
	opts.Sender, opts.Templates = w.office, templates
	if opts.To == nil {
		opts.To = []string{"ops@example.org"}
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	w.begin(opts)
}

// begin runs an Outbox with these options.
func (w *world) begin(opts Options) {
	w.t.Helper()
	var err error
	opts.Subject = w.subject
	if w.outbox, err = Open(opts); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { w.outbox.Run(ctx); close(ended) }()
	w.stop = func() {
		cancel()
		<-ended
		if err := w.outbox.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

// set changes the state of a target.
func (w *world) set(name string, to health.Verdict) {
	s := w.subjects[name]
	if s == nil {
		s = &alerting.Subject{Kind: alerting.Target, Name: name}
		w.subjects[name] = s
		w.tell()
	}
	if s.State == to {
		return
	}
	now := time.Now()
	w.changes[s.Key()] = append(w.changes[s.Key()], alerting.Change{Time: now, From: s.State, To: to, Reason: "because"})
	s.State, s.Since = to, now
}

// subject is one of them as the journal has it.
func (w *world) subject(kind alerting.Kind, name string) *alerting.Subject {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, there := w.shown[alerting.Key(kind, name)]; there {
		return &s
	}
	return nil
}

// write has the journal be true.
func (w *world) write() {
	w.mu.Lock()
	defer w.mu.Unlock()
	note := func(s *alerting.Subject, what alerting.Happening, c alerting.Change) {
		e := alerting.Event{Seq: uint64(len(w.journal)) + 1, Kind: s.Kind, Name: s.Name, What: what, Change: c}
		if what == alerting.Removed || what == alerting.Lost {
			was := *s
			e.Subject = &was
		}
		w.journal = append(w.journal, e)
	}
	now, there := time.Now(), map[string]bool{}
	for _, s := range w.subjects {
		key := s.Key()
		there[key] = true
		old, known := w.shown[key]
		w.shown[key] = *s
		switch {
		case !s.Gone.IsZero():
			if old.Gone.IsZero() && (known || now.Sub(s.Gone) < time.Minute) {
				note(s, alerting.Lost, alerting.Change{Time: s.Gone, Reason: s.GoneWhy})
			}
		case !known:
			w.written[key] = 0
			fallthrough
		case !old.Gone.IsZero(), old.Email != s.Email:
			note(s, alerting.Registered, alerting.Change{Time: now, To: s.State})
		}
		w.written[key] = min(w.written[key], len(w.changes[key]))
		for _, c := range w.changes[key][w.written[key]:] {
			note(s, alerting.StateChanged, c)
		}
		w.written[key] = len(w.changes[key])
	}
	for key, s := range w.shown {
		if !there[key] {
			note(&s, alerting.Removed, alerting.Change{Time: now, To: s.State})
			delete(w.shown, key)
			delete(w.changes, key)
		}
	}
}

// tell has the Outbox read the journal.
func (w *world) tell() {
	w.t.Helper()
	w.write()
	seq, ok := w.outbox.Cursor()
	var err error
	if ok {
		err = w.outbox.Take(w.journal[seq:])
	} else {
		var all []*alerting.Subject
		for _, s := range w.shown {
			all = append(all, &s)
		}
		err = w.outbox.Begin(slices.Values(all), uint64(len(w.journal)))
	}
	if err != nil {
		w.t.Error(err)
	}
}

// pass lets time pass, and tells what there is every second.
func (w *world) pass(d time.Duration) {
	for range d / time.Second {
		w.tell()
		time.Sleep(time.Second)
	}
	synctest.Wait()
}

func (w *world) expect(want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if got := w.office.taken(); !slices.Equal(got, want) {
		w.t.Errorf("mails\n%q, want\n%q", got, want)
	}
}
