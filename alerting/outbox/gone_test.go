package outbox

import (
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
