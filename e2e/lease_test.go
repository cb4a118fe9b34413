package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A lease ends, since nobody renews it: the recipient of the target is told once, also
// if the program is killed, and so is that the target is back. What is renewed stays.
func TestMailWhenALeaseEnds(t *testing.T) {
	t.Parallel()
	box, app := startMailbox(t), startService(t)
	e := startExporter(t, box.mailConfig(""))
	leased := func(name string) map[string]any {
		return map[string]any{"app": name, "url": app.url, "email": "me@example.org", "interval": 300, "healthy": 2, "ttl": 30}
	}
	e.mustCall(t, http.MethodPost, "/api/v1/targets", leased("laptop"), nil, http.StatusCreated)
	e.mustCall(t, http.MethodPost, "/api/v1/targets", leased("desktop"), nil, http.StatusCreated)
	e.probeUntil(t, "laptop", "HEALTHY")
	mails := func(n int) func() error {
		return func() error {
			if got := box.all(); len(got) != n {
				return fmt.Errorf("%d mails", len(got))
			}
			return nil
		}
	}
	await(t, time.Minute, "a mail about the end of the lease", func() error {
		e.mustCall(t, http.MethodPost, targetPath("desktop")+"/renew", nil, nil, http.StatusOK)
		return mails(1)()
	})
	if status, err := e.call(http.MethodGet, targetPath("laptop"), nil, nil); status != http.StatusGone {
		t.Errorf("status %d, %v", status, err)
	}
	page := e.metrics(t)
	for _, series := range []string{
		`health_target_gone_timestamp_seconds{email="me@example.org",reason="lease_expired",target="laptop"}`,
		`health_targets_expired_total{reason="lease_expired"} 1`,
	} {
		if !strings.Contains(page, series) {
			t.Errorf("/metrics has no %s", series)
		}
	}
	if strings.Contains(page, `health_target_info{target="laptop"`) {
		t.Error("/metrics still has the target")
	}

	e.kill()
	e.start(t)
	time.Sleep(7 * time.Second) // longer than it looks around
	if err := mails(1)(); err != nil {
		t.Errorf("after kill -9: %v", err)
	}
	if page := e.metrics(t); !strings.Contains(page, `reason="lease_expired",target="laptop"}`) {
		t.Error("after kill -9 /metrics does not say any more that it is gone")
	}
	e.mustCall(t, http.MethodGet, targetPath("desktop"), nil, nil, http.StatusOK) // it was given a full term
	e.mustCall(t, http.MethodPost, "/api/v1/targets", leased("laptop"), nil, http.StatusCreated)
	e.probeUntil(t, "laptop", "HEALTHY")
	await(t, 20*time.Second, "a mail that it is back", mails(2))

	for i, want := range []string{"laptop is gone", "laptop is back to healthy"} {
		l := box.all()[i]
		parts, err := l.parts()
		if err != nil || l.header("Subject") != want || len(l.to) != 1 || l.to[0] != "me@example.org" {
			t.Errorf("mail %d: %q to %q, %v", i, l.header("Subject"), l.to, err)
		}
		if i == 0 && !strings.Contains(strings.Join(strings.Fields(parts["text/plain"]), " "), "its registration was not renewed since 20") {
			t.Errorf("the mail does not say why:\n%s", parts["text/plain"])
		}
	}
}
