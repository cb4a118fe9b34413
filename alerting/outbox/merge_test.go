package outbox

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/mail"
	"github.com/health-exporter/health_exporter/health"
)

// crowd has an Outbox with so many targets, all healthy.
func crowd(t *testing.T, n int, opts Options) *world {
	w := newWorld(t, opts)
	for i := range n {
		name := fmt.Sprint("t", i)
		w.subjects[name] = &alerting.Subject{Kind: alerting.Target, Name: name}
	}
	w.tell()
	w.setAll(health.Healthy)
	w.tell()
	return w
}

// setAll changes the state of all targets.
func (w *world) setAll(to health.Verdict) {
	for name := range w.subjects {
		w.set(name, to)
	}
}

// TestVeryManyAtOnce: they are told in one mail when they are down, and in one when they
// are back, each once.
func TestVeryManyAtOnce(t *testing.T) {
	const n = 20_000
	synctest.Test(t, func(t *testing.T) {
		w := crowd(t, n, Options{})
		defer func() { w.stop() }()
		w.setAll(health.Unhealthy)
		w.set("t7", health.Degraded)
		w.pass(10 * time.Second)
		if text := w.office.mails[0].Text; !strings.Contains(text, "\nAnd 19500 more.\n") || strings.Count(text, " is unhealthy") < mail.MaxListed {
			t.Errorf("text ends with %q", text[max(0, len(text)-300):])
		}
		w.expect("ops@example.org: 19999 unhealthy, 1 degraded")
		w.setAll(health.Healthy)
		w.pass(2 * time.Minute)
		w.expect("ops@example.org: 20000 back to healthy")
		if s := w.outbox.Stats(); s.Queued != 0 || s.Dropped != 0 || s.Sent != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// TestOverBeforeItIsTold: of what was down and is up again before the mail, in which there
// would be too much, nothing is told; of the others how they are now.
func TestOverBeforeItIsTold(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		opts := Options{Path: dir, maxQueue: 700} // the queue is too short for all news
		w := crowd(t, 600, opts)
		for _, state := range []health.Verdict{health.Degraded, health.Unhealthy, health.Healthy} {
			w.setAll(state)
			w.pass(time.Second)
		}
		w.pass(2 * time.Minute)
		w.expect()
		if s := w.outbox.Stats(); s.Queued != 0 || s.Dropped != 0 {
			t.Errorf("%+v", s)
		}
		time.Sleep(20 * time.Minute) // it shall not count as flapping
		w.setAll(health.Unhealthy)
		w.pass(time.Second)
		w.setAll(health.Healthy)
		w.set("t1", health.Unhealthy)
		w.set("t2", health.Degraded)
		w.pass(2 * time.Minute)
		w.expect("ops@example.org: 1 unhealthy, 1 degraded")
		w.setAll(health.Unhealthy)
		w.pass(2 * time.Minute)
		w.expect("ops@example.org: 599 unhealthy")
		time.Sleep(20 * time.Minute)
		w.setAll(health.Healthy)
		w.pass(time.Second)
		w.setAll(health.Unhealthy)
		w.pass(2 * time.Minute)
		w.expect() // they still are what was told
		w.stop()
		w.open(opts)
		w.pass(2 * time.Minute)
		w.expect()
		if s := w.outbox.Stats(); s.Queued != 0 {
			t.Errorf("after a restart: %+v", s)
		}
		w.stop()
	})
}

// TestRecoveryAfterMoreThanTold: that something is back is told to whoever was told that it
// was not, also if nobody knew what it was in between.
func TestRecoveryAfterMoreThanTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := crowd(t, 600, Options{})
		defer func() { w.stop() }()
		w.setAll(health.Unhealthy)
		w.pass(2 * time.Minute)
		w.expect("ops@example.org: 600 unhealthy")
		w.setAll(health.Unknown)
		w.pass(2 * time.Minute)
		w.expect()
		w.setAll(health.Healthy)
		w.pass(2 * time.Minute)
		w.expect("ops@example.org: 600 back to healthy")
	})
}

// TestRecoveryWhileHeld: likewise if it was held back that it is back.
func TestRecoveryWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := false
		w := newWorld(t, Options{Interval: -1, Wait: -1, Hold: func(*alerting.Subject, time.Time) bool { return on }})
		defer func() { w.stop() }()
		w.set("nas", health.Unhealthy)
		w.pass(time.Minute)
		w.expect("ops@example.org: nas is unhealthy")
		on = true
		w.set("nas", health.Unknown)
		w.pass(10 * time.Second)
		w.set("nas", health.Healthy)
		w.pass(time.Minute)
		on = false
		w.pass(time.Minute)
		w.expect("ops@example.org: nas is back to healthy")
	})
}

// TestManyInAMailThatIsRepeated: what may have been sent when the program ended is sent
// again as the same mail, and what came later in another one.
func TestManyInAMailThatIsRepeated(t *testing.T) {
	dir, again := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := crowd(t, 1200, Options{Path: dir})
		w.office.uncertain = true
		w.office.set(time.Hour, nil)
		w.setAll(health.Unhealthy)
		w.pass(10 * time.Second) // it is under way
		w.setAll(health.Healthy)
		w.pass(time.Second)
		content, err := os.ReadFile(filepath.Join(dir, storeFile)) // as it is when the program is killed
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(again, storeFile), content, 0o600); err != nil {
			t.Fatal(err)
		}
		w.stop()
		w.office.set(0, nil)
		w.open(Options{Path: again})
		w.pass(5 * time.Minute)
		var got []string
		ids := map[string]bool{}
		for _, m := range w.office.mails {
			got = append(got, m.Subject)
			ids[m.MessageID] = true
		}
		if fmt.Sprint(got) != "[1200 unhealthy 1200 unhealthy 1200 back to healthy]" || len(ids) != 2 || w.office.mails[0].MessageID != w.office.mails[1].MessageID {
			t.Errorf("mails %q, of which %d differ", got, len(ids))
		}
		if s := w.outbox.Stats(); s.Queued != 0 {
			t.Errorf("%+v", s)
		}
		w.stop()
	})
}

// TestHeldBackByOneOfMany: the mail says of what is held back, however much it tells.
func TestHeldBackByOneOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := crowd(t, 600, Options{})
		defer func() { w.stop() }()
		w.subjects["t1"].DependsOn = []string{"t0"}
		w.tell()
		w.set("t0", health.Degraded)
		w.pass(time.Second)
		w.setAll(health.Unhealthy)
		w.pass(time.Minute)
		if len(w.office.mails) != 1 || !strings.Contains(w.office.mails[0].Text, "news of 1 other that depends on it") {
			t.Errorf("%d mails do not say that news is held back", len(w.office.mails))
		}
	})
}

// TestDroppedAtOnce: what is dropped of the very news that is taken in is not there after a
// restart.
func TestDroppedAtOnce(t *testing.T) {
	opts := Options{Path: t.TempDir(), maxQueue: 10, Wait: time.Hour}
	synctest.Test(t, func(t *testing.T) {
		w := crowd(t, 15, opts)
		w.setAll(health.Unhealthy)
		w.tell()
		if s := w.outbox.Stats(); s.Queued != 10 || s.Dropped != 5 {
			t.Errorf("%+v", s)
		}
		w.stop()
		w.open(opts)
		if s := w.outbox.Stats(); s.Queued != 10 {
			t.Errorf("after a restart %+v", s)
		}
		w.stop()
	})
}

// TestMerge: what comes of two notices of a subject, and of one that is in a letter.
func TestMerge(t *testing.T) {
	now := time.Now()
	news := func(what alerting.What, from, to health.Verdict, bad time.Duration) alerting.Notice {
		return alerting.Notice{What: what, From: from, To: to, Time: now, BadSince: now.Add(-bad), Subject: alerting.Subject{Name: "nas"}}
	}
	const unknown, healthy, degraded, unhealthy = health.Unknown, health.Healthy, health.Degraded, health.Unhealthy
	const later = time.Hour // than the beginning of the outage
	up := news(alerting.Changed, unhealthy, healthy, later)
	held := news(alerting.Changed, healthy, unhealthy, 0)
	held.WasHeld = true
	for name, test := range map[string]struct {
		list []alerting.Notice
		want string
	}{
		"down and up":             {[]alerting.Notice{news(alerting.Changed, healthy, unhealthy, 0), up}, "[]"},
		"new, down and up":        {[]alerting.Notice{news(alerting.Changed, unknown, unhealthy, 0), up}, "[]"},
		"worse and up":            {[]alerting.Notice{news(alerting.Changed, degraded, unhealthy, later), up}, "[changed DEGRADED HEALTHY]"},
		"worse, from UNKNOWN":     {[]alerting.Notice{news(alerting.Changed, unknown, unhealthy, later), up}, "[changed UNKNOWN HEALTHY]"},
		"handed over and up":      {[]alerting.Notice{news(alerting.Changed, unhealthy, unhealthy, later), up}, "[]"},
		"not probed and up":       {[]alerting.Notice{news(alerting.Changed, unknown, unknown, alerting.StalledAfter), up}, "[]"},
		"reminder and up":         {[]alerting.Notice{news(alerting.Reminder, unhealthy, unhealthy, later), up}, "[changed UNHEALTHY HEALTHY]"},
		"worse, not probed":       {[]alerting.Notice{news(alerting.Changed, unknown, unhealthy, later), news(alerting.Changed, unhealthy, unknown, later)}, "[changed UNKNOWN UNKNOWN]"},
		"held, and flapping":      {[]alerting.Notice{held, news(alerting.Flapping, unhealthy, healthy, later)}, "[]"},
		"two reminders":           {[]alerting.Notice{news(alerting.Reminder, unhealthy, unhealthy, later), news(alerting.Reminder, unhealthy, unhealthy, later)}, "[reminder UNHEALTHY UNHEALTHY]"},
		"down and flapping":       {[]alerting.Notice{news(alerting.Changed, healthy, unhealthy, 0), news(alerting.Flapping, unhealthy, healthy, later)}, "[flapping HEALTHY HEALTHY]"},
		"flapping and calm":       {[]alerting.Notice{news(alerting.Flapping, healthy, unhealthy, 0), news(alerting.Calm, healthy, healthy, later)}, "[]"},
		"calm, down and up":       {[]alerting.Notice{news(alerting.Calm, healthy, healthy, later), news(alerting.Changed, healthy, unhealthy, 0), up}, "[calm HEALTHY HEALTHY]"},
		"down, gone and up":       {[]alerting.Notice{news(alerting.Changed, healthy, unhealthy, 0), news(alerting.Departed, unhealthy, unknown, later), up}, "[changed HEALTHY UNHEALTHY gone UNHEALTHY UNKNOWN changed UNHEALTHY HEALTHY]"},
		"one that is handed over": {[]alerting.Notice{news(alerting.Changed, unhealthy, unhealthy, later)}, "[changed UNHEALTHY UNHEALTHY]"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &Outbox{opts: Options{Log: slog.New(slog.DiscardHandler)}}
			for i, n := range test.list {
				o.queue = append(o.queue, entry{Seq: uint64(i) + 1, To: "a", Notice: n})
			}
			o.queue = append(o.queue, entry{Seq: 8, To: "b", Notice: up})
			o.letters = []*letter{{to: "c", seqs: []uint64{9}}}
			o.queue = append(o.queue, entry{Seq: 9, To: "c", Notice: test.list[0]}, entry{Seq: 10, To: "c", Notice: up})
			o.queue = append(o.queue, entry{Seq: 11, To: "d", Notice: test.list[0], Batch: 11}, entry{Seq: 12, To: "d", Notice: up})
			disk := map[uint64]alerting.Notice{}
			for _, e := range o.queue {
				disk[e.Seq] = e.Notice
			}
			o.merge(func(*entry) bool { return true })
			for _, c := range o.unwritten {
				for _, e := range c.add {
					disk[e.Seq] = e.Notice
				}
				for _, seq := range c.drop {
					delete(disk, seq)
				}
			}
			var got []string
			others := 0
			for _, e := range o.queue {
				if on, there := disk[e.Seq]; !there || on.To != e.Notice.To || on.What != e.Notice.What || len(disk) != len(o.queue) {
					t.Errorf("on disk %v, in memory %v", on, e.Notice)
				}
				if e.To != "a" {
					others++
					continue
				}
				got = append(got, fmt.Sprint(e.Notice.What, " ", strings.ToUpper(e.Notice.From.String()), " ", strings.ToUpper(e.Notice.To.String())))
			}
			if fmt.Sprint(got) != test.want || others != 5 {
				t.Errorf("left %v and %d others, want %s", got, others, test.want)
			}
		})
	}
}
