package restarts

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
)

// A lease ends, since nobody renews it: the recipient of the target is told once, also
// if the program is killed, and so is that the target is back. What is renewed stays.
func TestMailWhenALeaseEnds(t *testing.T) {
	t.Parallel()
	box, app := harness.StartMailbox(t), harness.StartService(t)
	e := harness.StartExporter(t, box.MailConfig(""))
	leased := func(name string) map[string]any {
		return map[string]any{"app": name, "url": app.URL, "email": "me@example.org", "interval": 300, "healthy": 2, "ttl": 30}
	}
	e.MustCall(t, http.MethodPost, "/api/v1/targets", leased("laptop"), nil, http.StatusCreated)
	e.MustCall(t, http.MethodPost, "/api/v1/targets", leased("desktop"), nil, http.StatusCreated)
	e.ProbeUntil(t, "laptop", "HEALTHY")
	mails := func(n int) func() error {
		return func() error {
			if got := box.All(); len(got) != n {
				return fmt.Errorf("%d mails", len(got))
			}
			return nil
		}
	}
	harness.Await(t, time.Minute, "a mail about the end of the lease", func() error {
		e.MustCall(t, http.MethodPost, harness.TargetPath("desktop")+"/renew", nil, nil, http.StatusOK)
		return mails(1)()
	})
	if status, err := e.Call(http.MethodGet, harness.TargetPath("laptop"), nil, nil); status != http.StatusGone {
		t.Errorf("status %d, %v", status, err)
	}
	page := e.Metrics(t)
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

	e.Kill()
	e.Start(t)
	time.Sleep(7 * time.Second) // longer than it looks around
	if err := mails(1)(); err != nil {
		t.Errorf("after kill -9: %v", err)
	}
	if page := e.Metrics(t); !strings.Contains(page, `reason="lease_expired",target="laptop"}`) {
		t.Error("after kill -9 /metrics does not say any more that it is gone")
	}
	e.MustCall(t, http.MethodGet, harness.TargetPath("desktop"), nil, nil, http.StatusOK) // it was given a full term
	e.MustCall(t, http.MethodPost, "/api/v1/targets", leased("laptop"), nil, http.StatusCreated)
	e.ProbeUntil(t, "laptop", "HEALTHY")
	harness.Await(t, 20*time.Second, "a mail that it is back", mails(2))

	for i, want := range []string{"laptop is gone", "laptop is back to healthy"} {
		l := box.All()[i]
		parts, err := l.Parts()
		if err != nil || l.Header("Subject") != want || len(l.To) != 1 || l.To[0] != "me@example.org" {
			t.Errorf("mail %d: %q to %q, %v", i, l.Header("Subject"), l.To, err)
		}
		if i == 0 && !strings.Contains(strings.Join(strings.Fields(parts["text/plain"]), " "), "its registration was not renewed since 20") {
			t.Errorf("the mail does not say why:\n%s", parts["text/plain"])
		}
	}
}
