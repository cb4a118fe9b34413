package outbox

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/mail"
	"github.com/health-exporter/health_exporter/health"
)

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
