package outbox

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// lose makes a subject gone although nobody has removed it.
func (w *world) lose(name string) {
	s := w.subjects[name]
	*s = alerting.Subject{Kind: s.Kind, Name: s.Name, Email: s.Email, Gone: time.Now(), GoneWhy: "its registration was not renewed since noon"}
	delete(w.changes, s.Key())
	w.tell()
}

// comeBack makes it exist again.
func (w *world) comeBack(name string) {
	w.subjects[name].Gone, w.subjects[name].GoneWhy = time.Time{}, ""
}

// TestLostIsToldOnce: to whom it concerns, once, over restarts; that it is back as well;
// and nothing when somebody takes note of it.
func TestLostIsToldOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		opts := Options{Path: dir, Wait: -1, Interval: -1}
		w := newWorld(t, opts)
		w.set("nas", health.Healthy)
		w.set("tv", health.Healthy)
		w.subjects["nas"].Email = "me@example.org"
		w.pass(time.Minute)
		w.expect()

		w.lose("nas")
		w.pass(time.Second)
		w.office.mu.Lock()
		if n := len(w.office.mails); n != 1 || !strings.Contains(w.office.mails[0].Text, "its registration was not renewed since noon") {
			t.Errorf("%d mails: %+v", n, w.office.mails)
		}
		w.office.mu.Unlock()
		w.expect("me@example.org: nas is gone")
		w.pass(10 * time.Minute)
		for range 3 {
			w.stop()
			w.open(opts)
			w.pass(time.Minute)
		}
		w.expect()

		w.comeBack("nas")
		w.set("nas", health.Unknown)
		w.pass(time.Minute)
		w.expect()
		w.set("nas", health.Healthy)
		w.pass(time.Second)
		w.expect("me@example.org: nas is back to healthy")

		w.lose("nas")
		w.pass(time.Second)
		w.expect("me@example.org: nas is gone")
		delete(w.subjects, "nas") // DELETE
		w.pass(time.Minute)
		w.expect()
		delete(w.subjects, "tv")
		w.pass(time.Second)
		w.expect("ops@example.org: tv is no longer monitored")
		w.stop()
	})
}

// TestLostWhileDown: the outage goes on, and ends when it is back and healthy.
func TestLostWhileDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Wait: -1, Interval: -1, Reminder: time.Hour})
		w.set("nas", health.Unhealthy)
		w.pass(time.Second)
		w.expect("ops@example.org: nas is unhealthy")
		w.lose("nas")
		w.pass(3 * time.Hour) // nobody is reminded of it
		w.expect("ops@example.org: nas is gone")
		w.comeBack("nas")
		w.set("nas", health.Healthy)
		w.pass(time.Second)
		w.expect("ops@example.org: nas is back to healthy")
		w.stop()
	})
}

// TestLostLongAgo: who begins to mail wants no news of long ago.
func TestLostLongAgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Wait: -1, Interval: -1})
		w.subjects["nas"] = &alerting.Subject{Kind: alerting.Target, Name: "nas", Gone: time.Now().Add(-time.Hour), GoneWhy: "it is no longer discovered"}
		w.pass(time.Minute)
		w.expect()
		w.stop()
	})
}

// TestRemovedAndBack: what is removed and comes back, with what is kept of it, is not
// told its past again.
func TestRemovedAndBack(t *testing.T) {
	for name, restart := range map[string]bool{"at once": false, "over a restart": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				opts := Options{Path: dir, Interval: -1, Wait: -1}
				w := newWorld(t, opts)
				defer func() { w.stop() }()
				w.set("nas", health.Healthy)
				w.pass(time.Minute)
				w.set("nas", health.Unhealthy)
				w.pass(time.Minute)
				w.set("nas", health.Healthy)
				w.pass(time.Minute)
				w.office.taken()
				nas := *w.subjects["nas"]
				delete(w.subjects, "nas")
				w.pass(5 * time.Second)
				w.expect("ops@example.org: nas is no longer monitored")
				if restart {
					w.stop()
					w.open(opts)
				}
				w.pass(30 * time.Second)
				w.subjects["nas"] = &nas
				w.pass(30 * time.Second)
				w.expect()
				w.set("nas", health.Unhealthy)
				w.pass(time.Minute)
				w.expect("ops@example.org: nas is unhealthy")
				delete(w.subjects, "nas")
				w.pass(time.Hour)
				w.expect("ops@example.org: nas is no longer monitored")
				if len(w.outbox.known) != 0 {
					t.Errorf("remembers %v", w.outbox.known)
				}
			})
		})
	}
}

// TestBackBeforeItIsSeen: what was lost and is registered again is there, although it
// cannot be asked yet; then its removal is told.
func TestBackBeforeItIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Wait: -1, Interval: -1})
		defer func() { w.stop() }()
		w.set("nas", health.Healthy)
		w.pass(time.Second)
		w.lose("nas")
		w.pass(time.Second)
		w.expect("ops@example.org: nas is gone")
		delete(w.shown, alerting.Key(alerting.Target, "nas"))
		seq, _ := w.outbox.Cursor()
		was := alerting.Subject{Kind: alerting.Target, Name: "nas"}
		for i, what := range []alerting.Happening{alerting.Registered, alerting.Removed} {
			e := alerting.Event{Seq: seq + uint64(i) + 1, Kind: was.Kind, Name: was.Name, What: what, Subject: &was}
			e.Time = time.Now()
			if err := w.outbox.Take([]alerting.Event{e}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		w.expect("ops@example.org: nas is no longer monitored")
	})
}

// TestForgottenIsNoNews: that nobody remembers a target that was lost long ago is told to
// nobody, whether they were told that it was lost or not.
func TestForgottenIsNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Wait: -1, Interval: -1})
		defer func() { w.stop() }()
		w.set("nas", health.Healthy)
		w.pass(time.Second)
		w.lose("nas")
		w.pass(time.Second)
		w.expect("ops@example.org: nas is gone")
		seq, _ := w.outbox.Cursor()
		for i, name := range []string{"nas", "long ago"} {
			e := alerting.Event{Seq: seq + uint64(i) + 1, Kind: alerting.Target, Name: name, What: alerting.Forgotten}
			if err := w.outbox.Take([]alerting.Event{e}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		w.expect()
		if len(w.outbox.known) > 0 {
			t.Errorf("remembers %v", w.outbox.known)
		}
	})
}

// TestSeenAndThenRead: what the outbox has seen when it looked at everything is not told
// again when the journal tells of it; what follows is.
func TestSeenAndThenRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Wait: -1, Interval: -1})
		defer func() { w.stop() }()
		since := time.Now()
		nas := &alerting.Subject{Kind: alerting.Target, Name: "nas", State: health.Degraded, Since: since}
		w.shown[nas.Key()] = *nas
		if err := w.outbox.Begin(slices.Values([]*alerting.Subject{nas}), 1); err != nil {
			t.Fatal(err)
		}
		change := func(seq uint64, after time.Duration, from, to health.Verdict) alerting.Event {
			return alerting.Event{
				Seq: seq, Kind: alerting.Target, Name: "nas", What: alerting.StateChanged,
				Change: alerting.Change{Time: since.Add(after), From: from, To: to},
			}
		}
		if err := w.outbox.Take([]alerting.Event{
			change(2, -time.Minute, health.Healthy, health.Unhealthy), change(3, 0, health.Unhealthy, health.Degraded),
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		w.expect("ops@example.org: nas health is degraded")
		if err := w.outbox.Take([]alerting.Event{change(4, time.Second, health.Degraded, health.Healthy)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		w.expect("ops@example.org: nas is back to healthy")
	})
}
