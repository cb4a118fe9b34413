package outbox

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/mail"
	"github.com/health-exporter/health_exporter/health"
)

// own gives a target to somebody.
func (w *world) own(name, email string) {
	w.subjects[name] = &alerting.Subject{Kind: alerting.Target, Name: name, Email: email}
	w.tell()
}

// TestNobodyWaitsForAnother: whatever the server does with the mails of some, others are
// told within 15 s.
func TestNobodyWaitsForAnother(t *testing.T) {
	full := &mail.SendError{Temporary: true, Reason: mail.ReasonRecipient, Code: 452, Text: "mailbox full"}
	for name, test := range map[string]struct {
		slow func(to string) time.Duration
		err  func(to string) error
	}{
		"a mailbox is full": {err: func(to string) error {
			if strings.HasPrefix(to, "bad") {
				return full
			}
			return nil
		}},
		"some take 15 s": {slow: func(to string) time.Duration {
			if strings.HasPrefix(to, "bad") {
				return 15 * time.Second
			}
			return 0
		}},
		"some take five minutes": {slow: func(to string) time.Duration {
			if strings.HasPrefix(to, "bad") {
				return 5 * time.Minute
			}
			return 100 * time.Millisecond
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Options{Interval: -1})
				defer func() { w.stop() }()
				w.office.slowFor = test.slow
				w.office.set(0, test.err)
				for i := range 7 {
					w.own(fmt.Sprint("a", i), fmt.Sprintf("bad%d@example.org", i))
					w.own(fmt.Sprint("b", i), fmt.Sprintf("good%d@example.org", i))
				}
				for round := range 40 {
					to := health.Unhealthy
					if round%2 == 1 {
						to = health.Healthy
					}
					for name := range w.subjects {
						w.set(name, to)
					}
					w.pass(15 * time.Second)
					good := slices.DeleteFunc(w.office.taken(), func(s string) bool { return strings.HasPrefix(s, "bad") })
					if len(good) != 7 {
						t.Fatalf("round %d: %q", round, good)
					}
					w.pass(time.Duration(round%3*7)*time.Second + 4*time.Minute) // no flapping
				}
				w.pass(20 * time.Minute)
				if s := w.outbox.Stats(); test.err != nil && (s.Queued == 0 || s.Problem != full.Error() || s.Failed["recipient"] > 7*60) {
					t.Errorf("%+v", s)
				} else if test.err == nil && (s.Queued != 0 || s.Problem != "") {
					t.Errorf("%+v", s)
				}
				w.office.set(0, nil)
				w.pass(6 * time.Minute)
				if s := w.outbox.Stats(); s.Queued != 0 || s.Problem != "" {
					t.Errorf("when all is well: %+v", s)
				}
			})
		})
	}
}

// TestServerTakesItsTime: it is waited for, over few connections, and it is said.
func TestServerTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		defer func() { w.stop() }()
		w.office.set(5*time.Minute, nil)
		for i := range 40 {
			w.own(fmt.Sprint("t", i), fmt.Sprintf("u%d@example.org", i))
			w.set(fmt.Sprint("t", i), health.Unhealthy)
		}
		most := 0
		for range 25 * 60 {
			w.pass(time.Second)
			w.outbox.mu.Lock()
			most = max(most, w.outbox.carriers)
			w.outbox.mu.Unlock()
		}
		if got := w.office.taken(); len(got) != 40 || most != maxCarriers {
			t.Errorf("%d mails, %d connections", len(got), most)
		}
		w.set("t1", health.Healthy)
		w.pass(time.Minute)
		if s := w.outbox.Stats(); s.Problem != "the mail server has been taking 55s for a mail" {
			t.Errorf("problem %q", s.Problem)
		}
	})
}

// TestOneConnectionWillDo: a server that gets on is not bothered with more.
func TestOneConnectionWillDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		defer func() { w.stop() }()
		w.office.set(500*time.Millisecond, nil)
		for i := range 40 {
			w.own(fmt.Sprint("t", i), fmt.Sprintf("u%d@example.org", i))
			w.set(fmt.Sprint("t", i), health.Unhealthy)
		}
		for range 30 {
			w.pass(time.Second)
			w.outbox.mu.Lock()
			if w.outbox.carriers > 1 {
				t.Fatal("more than one")
			}
			w.outbox.mu.Unlock()
		}
		if got := w.office.taken(); len(got) != 40 {
			t.Errorf("%d mails", len(got))
		}
	})
}

// TestTheSameMailAgain: what the server may have taken when the program ended is told
// again as the same mail, whatever else has happened; then the rest.
func TestTheSameMailAgain(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		held := false
		// The wait has both changes told in one mail, whenever the outbox looks.
		opts := Options{Path: dir, Interval: -1, Wait: time.Second, Hold: func(*alerting.Subject, time.Time) bool { return held }}
		w := newWorld(t, opts)
		w.office.uncertain = true
		w.office.set(time.Hour, nil)
		w.set("nas", health.Unhealthy)
		w.set("tv", health.Unhealthy)
		w.pass(10 * time.Second)
		w.set("nas", health.Healthy)
		w.pass(10 * time.Second)
		began := time.Now()
		w.stop()
		if took := time.Since(began); took > grace {
			t.Errorf("took %s to end", took)
		}
		if len(w.office.mails) != 1 {
			t.Fatalf("%d mails", len(w.office.mails))
		}
		first := w.office.mails[0]
		w.office.taken()
		w.office.set(0, nil)
		held = true // what has been told already is not held back any more
		w.open(opts)
		w.pass(10 * time.Second)
		if len(w.office.mails) != 1 || w.office.mails[0].MessageID != first.MessageID || w.office.mails[0].Subject != first.Subject {
			t.Fatalf("%+v, want %s again", w.office.mails, first.MessageID)
		}
		w.office.taken()
		held = false
		w.pass(time.Minute)
		w.expect("ops@example.org: nas is back to healthy")
		w.stop()
	})
}

// TestFullQueueIsFair: who cannot be reached loses news, and nobody else.
func TestFullQueueIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{maxQueue: 10})
		defer func() { w.stop() }()
		w.office.set(0, func(string) error { return &mail.SendError{Temporary: true, Reason: "timeout"} })
		w.own("other", "other@example.org")
		w.set("other", health.Unhealthy)
		w.tell()
		for i := range 15 {
			w.set(fmt.Sprint("t", i), health.Unhealthy)
			w.tell()
		}
		if s := w.outbox.Stats(); s.Queued != 10 || s.Dropped != 6 {
			t.Errorf("%+v", s)
		}
		w.office.set(0, nil)
		w.pass(10 * time.Minute)
		if got := strings.Join(w.office.taken(), "\n"); !strings.Contains(got, "other@example.org: other is unhealthy") {
			t.Error(got)
		}
	})
}

// TestAnotherServer: once the configuration names another server, nobody waits for the
// one before.
func TestAnotherServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		defer func() { w.stop() }()
		w.office.set(time.Hour, nil)
		w.set("nas", health.Unhealthy)
		w.pass(time.Minute)
		other := &postOffice{}
		w.outbox.Reconfigure(Options{Sender: other, Templates: w.outbox.opts.Templates, To: []string{"x@example.org"}, Log: slog.New(slog.DiscardHandler)})
		w.pass(15 * time.Second)
		if got := other.taken(); len(got) != 1 {
			t.Errorf("with another server: %q", got)
		}
	})
}

// TestServerDownIsAskedRarely: however many wait, it is asked once in each pause.
func TestServerDownIsAskedRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		defer func() { w.stop() }()
		down := true
		w.office.slowFor = func(string) time.Duration {
			if down {
				return 3 * time.Second
			}
			return 0
		}
		w.office.set(0, func(string) error {
			return &mail.SendError{Temporary: true, Reason: mail.ReasonConnect, Text: "refused"}
		})
		for i := range 40 {
			w.own(fmt.Sprint("t", i), fmt.Sprintf("u%d@example.org", i))
			w.set(fmt.Sprint("t", i), health.Unhealthy)
		}
		w.pass(12 * time.Second)
		w.outbox.mu.Lock()
		if w.outbox.stats.Failed["connect"] < 2 || w.outbox.pause != firstPause {
			t.Errorf("after %d failures at about the same time the pause is %s", w.outbox.stats.Failed["connect"], w.outbox.pause)
		}
		w.outbox.mu.Unlock()
		w.pass(time.Hour)
		if s := w.outbox.Stats(); s.Failed["connect"] > 60 || s.Queued != 40 || s.Problem == "" {
			t.Errorf("%+v", s)
		}
		down = false
		w.office.set(0, nil)
		w.pass(6 * time.Minute)
		if s := w.outbox.Stats(); s.Queued != 0 || s.Problem != "" || s.Sent != 40 {
			t.Errorf("%+v", s)
		}
	})
}

// TestGivenUp: that an address is refused is a problem for a while.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		defer func() { w.stop() }()
		refused := &mail.SendError{Reason: mail.ReasonRecipient, Code: 550, Text: "no such user"}
		w.office.set(0, func(string) error { return refused })
		w.set("nas", health.Unhealthy)
		w.pass(time.Minute)
		if s := w.outbox.Stats(); s.Problem != refused.Error() {
			t.Errorf("%+v", s)
		}
		w.pass(time.Hour)
		if s := w.outbox.Stats(); s.Problem != "" {
			t.Errorf("an hour later: %+v", s)
		}
		w.office.set(0, func(string) error { return errors.New("out of memory") })
		w.set("nas", health.Healthy)
		w.pass(time.Minute)
		if s := w.outbox.Stats(); s.Queued != 1 || s.Failed["internal"] == 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestManyTakeLong: those who are known to take long leave connections to the others.
func TestManyTakeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Interval: -1})
		defer func() { w.stop() }()
		w.office.slowFor = func(to string) time.Duration {
			if strings.HasPrefix(to, "bad") {
				return 5 * time.Minute
			}
			return 0
		}
		for i := range 30 {
			w.own(fmt.Sprint("a", i), fmt.Sprintf("bad%d@example.org", i))
		}
		w.own("z", "good@example.org")
		for name := range w.subjects {
			w.set(name, health.Unhealthy)
		}
		w.pass(30 * time.Minute)
		if got := w.office.taken(); len(got) != 31 {
			t.Fatalf("%d mails", len(got))
		}
		for name := range w.subjects {
			w.set(name, health.Healthy)
		}
		w.pass(20 * time.Second)
		w.expect("good@example.org: z is back to healthy")
		w.set("z", health.Unhealthy)
		w.pass(15 * time.Second)
		w.expect("good@example.org: z is unhealthy")
		w.pass(30 * time.Minute)
		if got := w.office.taken(); len(got) != 30 {
			t.Errorf("%d mails", len(got))
		}
	})
}

// TestShorten: of several who have too much each loses some.
func TestShorten(t *testing.T) {
	o := &Outbox{opts: Options{maxQueue: 10}}
	for i := range 24 {
		o.queue = append(o.queue, entry{Seq: uint64(i), To: []string{"a", "b", "b", "c"}[i%4]})
	}
	c := &changes{}
	o.shorten(c)
	left := map[string]int{}
	for _, e := range o.queue {
		left[e.To]++
	}
	if len(c.drop) != 14 || o.stats.Dropped != 14 || left["a"] < 3 || left["b"] < 3 || left["c"] < 3 || o.queue[len(o.queue)-1].Seq != 23 {
		t.Errorf("dropped %v, left %v", c.drop, left)
	}
}
