package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/mail"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
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

func TestOneChangeOneMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		defer func() { w.stop() }()
		w.set("nas", health.Healthy)
		w.pass(10 * time.Second)
		w.expect()
		w.subjects["nas"].Email = "me@example.org"
		w.set("nas", health.Degraded)
		w.pass(3 * time.Second)
		w.expect() // others may follow
		w.pass(4 * time.Second)
		w.expect("me@example.org: nas health is degraded")
		w.pass(time.Hour)
		w.expect()
		w.set("nas", health.Unhealthy)
		w.pass(time.Minute)
		w.expect("me@example.org: nas is unhealthy")
		w.set("nas", health.Healthy)
		w.pass(2 * time.Minute)
		w.expect("me@example.org: nas is back to healthy")
		delete(w.subjects, "nas")
		w.pass(2 * time.Minute)
		w.expect("me@example.org: nas is no longer monitored")
		if s := w.outbox.Stats(); s.Sent != 4 || s.Queued != 0 || s.Problem != "" {
			t.Errorf("%+v", s)
		}
	})
}

func TestSecretsAreNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Redact: func(s string) string { return strings.ReplaceAll(s, "hunter2", "********") }})
		defer func() { w.stop() }()
		w.subjects["nas"] = &alerting.Subject{Kind: alerting.Target, Name: "nas", Place: "http://u:hunter2@nas", Error: "hunter2", Response: []byte("hunter2")}
		w.tell()
		w.set("nas", health.Unhealthy)
		key := w.subjects["nas"].Key()
		w.changes[key][0].Reason = "wrong password hunter2"
		w.pass(10 * time.Second)
		if len(w.office.mails) != 1 {
			t.Fatalf("%d mails", len(w.office.mails))
		}
		if m := w.office.mails[0]; strings.Contains(m.Text+m.HTML, "hunter2") || !strings.Contains(m.Text, "wrong password ********") {
			t.Error(m.Text)
		}
	})
}

func TestDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		defer func() { w.stop() }()
		for i := range 1000 {
			w.set(fmt.Sprint("t", i), health.Healthy)
		}
		w.pass(10 * time.Second)
		for i := range 1000 {
			w.set(fmt.Sprint("t", i), health.Unhealthy)
		}
		w.pass(10 * time.Second)
		got := w.office.taken()
		if len(got) == 0 || len(got) > 2 {
			t.Errorf("%d mails at once: %q", len(got), got)
		}
		w.set("t1", health.Healthy)
		w.pass(30 * time.Second)
		w.expect() // not yet: one mail a minute
		w.pass(5 * time.Minute)
		if got := w.office.taken(); len(got) > 2 {
			t.Errorf("%q", got)
		}
		if s := w.outbox.Stats(); s.Queued != 0 {
			t.Errorf("%d are still waiting", s.Queued)
		}
	})
}

func TestServerAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		defer func() { w.stop() }()
		w.office.set(0, func(string) error { return &mail.SendError{Temporary: true, Reason: "connect", Text: "refused"} })
		for i := range 5 {
			w.set("nas", health.Unhealthy)
			w.pass(20 * time.Minute)
			w.set("nas", health.Healthy)
			w.pass(20 * time.Minute)
			_ = i
		}
		s := w.outbox.Stats()
		if s.Queued != 10 || s.Problem == "" || s.Failed["connect"] == 0 || s.Failed["connect"] > 60 {
			t.Errorf("%+v", s)
		}
		w.office.set(0, nil)
		w.pass(10 * time.Minute)
		got := w.office.taken()
		if len(got) != 1 {
			t.Errorf("after the server has come back: %q", got)
		}
		if s := w.outbox.Stats(); s.Queued != 0 || s.Problem != "" {
			t.Errorf("%+v", s)
		}
	})
}

func TestRefusedRecipient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{To: []string{"gone@example.org", "ops@example.org"}})
		defer func() { w.stop() }()
		w.office.set(0, func(to string) error {
			if to == "gone@example.org" {
				return &mail.SendError{Reason: "recipient", Code: 550, Text: "no such user"}
			}
			return nil
		})
		w.set("nas", health.Unhealthy)
		w.pass(time.Minute)
		w.expect("ops@example.org: nas is unhealthy")
		if s := w.outbox.Stats(); s.Queued != 0 || s.Dropped != 1 || s.Failed["recipient"] != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{maxQueue: 10})
		defer func() { w.stop() }()
		w.office.set(0, func(string) error { return &mail.SendError{Temporary: true, Reason: "timeout"} })
		for i := range 15 {
			w.set(fmt.Sprint("t", i), health.Unhealthy)
			w.tell()
		}
		if s := w.outbox.Stats(); s.Queued != 10 || s.Dropped != 5 {
			t.Errorf("%+v", s)
		}
	})
}

func TestMaintenance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var on bool
		w := newWorld(t, Options{Interval: -1, Hold: func(s *alerting.Subject, _ time.Time) bool { return on && strings.HasPrefix(s.Name, "held") }})
		defer func() { w.stop() }()
		for _, name := range []string{"held well", "held down", "held mended", "other"} {
			w.set(name, health.Healthy)
		}
		w.pass(10 * time.Second)
		w.set("held mended", health.Unhealthy) // before it begins
		w.pass(10 * time.Second)
		w.expect("ops@example.org: held mended is unhealthy")
		on = true
		w.set("held well", health.Unhealthy)
		w.set("held down", health.Degraded)
		w.set("other", health.Degraded)
		w.pass(time.Minute)
		w.set("held well", health.Healthy)
		w.set("held down", health.Unhealthy)
		w.set("held mended", health.Healthy)
		w.pass(time.Minute)
		w.expect("ops@example.org: other health is degraded")
		on = false
		w.pass(time.Minute)
		got := w.office.taken()
		if len(got) != 1 || !strings.Contains(got[0], "1 unhealthy") {
			t.Errorf("after it: %q", got)
		}
	})
}

func TestParents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Interval: -1, Wait: -1})
		defer func() { w.stop() }()
		for _, name := range []string{"router", "switch", "nas"} {
			w.set(name, health.Healthy)
		}
		w.subjects["switch"].DependsOn = []string{"router"}
		w.subjects["nas"].DependsOn = []string{"switch"}
		w.pass(10 * time.Second)
		w.set("router", health.Unhealthy)
		w.set("nas", health.Unhealthy)
		w.pass(time.Minute)
		w.expect("ops@example.org: router is unhealthy")
		w.set("router", health.Healthy)
		w.set("nas", health.Healthy)
		w.pass(time.Minute)
		w.expect("ops@example.org: router is back to healthy") // and nothing of what depends on it
		w.set("nas", health.Unhealthy)
		w.pass(time.Minute)
		w.expect("ops@example.org: nas is unhealthy")
		w.subjects["router"].DependsOn = []string{"nas"} // a circle holds nobody for ever
		w.set("switch", health.Unhealthy)
		w.pass(time.Minute)
	})
}

func TestReconfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		defer func() { w.stop() }()
		w.office.set(0, func(string) error { return &mail.SendError{Temporary: true, Reason: "auth"} })
		w.set("nas", health.Unhealthy)
		w.pass(10 * time.Minute)
		other := &postOffice{}
		w.outbox.Reconfigure(Options{Sender: other, Templates: w.outbox.opts.Templates, To: []string{"x@example.org"}, Log: w.outbox.opts.Log})
		w.pass(time.Minute)
		if got := other.taken(); len(got) != 1 {
			t.Errorf("with another server: %q", got)
		}
	})
}

func TestErrorsAreLoggedOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		w := newWorld(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		w.office.set(0, func(string) error {
			return &mail.SendError{Temporary: true, Reason: "auth", Text: "wrong password"}
		})
		w.set("nas", health.Unhealthy)
		w.pass(90 * time.Minute)
		w.stop()
		if n := strings.Count(log.String(), "wrong password"); n != 2 {
			t.Errorf("%d lines in 90 minutes:\n%s", n, log.String())
		}
	})
}

// What was not told when the program ended is told after the next start, and nothing
// twice, wherever it ended.
func TestRestarts(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Path: dir, Interval: -1, Wait: -1})
		w.set("nas", health.Healthy)
		w.pass(time.Second)
		random := rand.New(rand.NewPCG(1, 2))
		want := map[string]int{}
		for range 40 {
			to := health.Unhealthy
			if w.subjects["nas"].State == health.Unhealthy {
				to = health.Healthy
			}
			time.Sleep(20 * time.Minute) // it shall not count as flapping
			w.set("nas", to)
			want[(&alerting.Notice{What: alerting.Changed, Subject: *w.subjects["nas"], To: to}).Title()]++
			if random.IntN(2) == 0 {
				w.tell()
			}
			w.office.set(time.Duration(random.IntN(2))*time.Second, nil)
			time.Sleep(time.Duration(random.IntN(3)) * time.Second)
			w.stop()
			w.open(Options{Path: dir, Interval: -1, Wait: -1})
			w.pass(5 * time.Second)
		}
		w.stop()
		ids, titles := map[string]bool{}, map[string]int{}
		for _, m := range w.office.mails {
			if !ids[m.MessageID] { // the same mail twice is one mail
				ids[m.MessageID] = true
				titles[m.Subject]++
			}
		}
		if fmt.Sprint(titles) != fmt.Sprint(want) {
			t.Errorf("told %v, want %v", titles, want)
		}
	})
}

func TestDamagedOutbox(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, storeFile), []byte(strings.Repeat("nonsense", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Path: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
		w.set("nas", health.Unhealthy)
		w.pass(time.Minute)
		w.expect("ops@example.org: nas is unhealthy")
		w.stop()
	})
	if !strings.Contains(log.String(), "damaged") {
		t.Errorf("log %q", log.String())
	}
	if kept, err := filepath.Glob(filepath.Join(dir, storeFile+".corrupt-*")); err != nil || len(kept) != 1 {
		t.Errorf("kept %q, %v", kept, err)
	}
}

// TestWake: what was held back is told as soon as nothing holds it any more.
func TestWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held atomic.Bool
		w := newWorld(t, Options{Interval: -1, Wait: -1, Hold: func(*alerting.Subject, time.Time) bool { return held.Load() }})
		defer func() { w.stop() }()
		w.set("nas", health.Healthy)
		w.pass(10 * time.Second)
		held.Store(true)
		w.set("nas", health.Unhealthy)
		w.pass(10 * time.Second)
		w.expect()
		held.Store(false)
		w.outbox.Wake()
		synctest.Wait()
		w.expect("ops@example.org: nas is unhealthy")
	})
}

// TestOldWindows: maintenance windows once were kept here, where others do not see them.
func TestOldWindows(t *testing.T) {
	o, err := Open(Options{Path: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	w := alerting.Window{Name: "patch", Targets: []string{"n*"}, Start: time.Unix(0, 0).UTC(), End: time.Unix(3600, 0).UTC()}
	text := []byte(`{"name":"patch","targets":["n*"],"start":"1970-01-01T00:00:00Z","end":"1970-01-01T01:00:00Z"}`)
	if err := o.store.keep(map[string][]byte{windowPrefix + "patch": text, "checks": []byte("of the pusher")}); err != nil {
		t.Fatal(err)
	}
	if got, err := o.OldWindows(); err != nil || !cmp.Equal(got, []alerting.Window{w}) {
		t.Errorf("%+v, %v", got, err)
	}
	for range 2 {
		if kept, err := o.Kept(); err != nil || len(kept) != 1 || kept["checks"] == nil {
			t.Errorf("others see %v, %v", kept, err)
		}
		if err := o.DropOldWindows(); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := o.OldWindows(); err != nil || len(got) != 0 {
		t.Errorf("dropped, and there: %+v, %v", got, err)
	}
}

// A disk that cannot be written to does not keep anybody from being told.
func TestOutboxOnAFullDisk(t *testing.T) {
	testneed.Linux(t, "/dev/full")
	dir := t.TempDir()
	if err := os.Symlink("/dev/full", filepath.Join(dir, storeFile)); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Path: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
		w.set("nas", health.Unhealthy)
		w.pass(time.Minute)
		w.expect("ops@example.org: nas is unhealthy")
		w.stop()
	})
	if _, err := os.Lstat(filepath.Join(dir, storeFile)); err != nil || !strings.Contains(log.String(), "kept in memory") {
		t.Errorf("%v, log %q", err, log.String())
	}
}
