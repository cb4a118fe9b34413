package restarts

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
)

// The exporter is stopped three times, with probes under way, for longer than a probe,
// a heartbeat or a lease may take. All is well, so nothing changes and nobody is mailed.
func TestStoppedExporter(t *testing.T) {
	t.Parallel()
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { time.Sleep(600 * time.Millisecond) }))
	t.Cleanup(slow.Close)
	box := harness.StartMailbox(t)
	e := harness.StartExporter(t, box.MailConfig(`
targets:
- {app: nas, url: "`+slow.URL+`", module: http_2xx, interval: 1s, timeout: 2s, unhealthy: 1, healthy: 1, email: me@example.org}
checks:
- {name: backup, kind: heartbeat, every: 12s, interval: 1s, unhealthy: 1, healthy: 1}
`))
	e.MustCall(t, http.MethodPost, "/api/v1/targets", map[string]any{
		"app": "leased", "url": slow.URL, "module": "http_2xx", "email": "me@example.org", "interval": 30, "timeout": 2, "healthy": 2, "ttl": 30,
	}, nil, http.StatusCreated)
	e.ProbeUntil(t, "nas", "HEALTHY")
	e.ProbeUntil(t, "leased", "HEALTHY")

	for range 3 {
		e.MustCall(t, http.MethodPost, "/api/v1/beat/backup", nil, nil, http.StatusNoContent)
		if err := e.Cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(14 * time.Second)
		if err := e.Cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
	}
	page := e.Metrics(t)
	for _, series := range []string{
		`health_target_probes_total{target="nas",result="fail"} 0`, `health_target_state{target="nas",state="healthy"} 1`,
		`health_target_state{target="leased",state="healthy"} 1`, `health_target_state_changes_total{target="nas",to="healthy"} 1`,
		`health_target_state_changes_total{target="nas",to="unhealthy"} 0`, `health_target_state_changes_total{target="nas",to="unknown"} 0`,
		`health_check_state_changes_total{check="backup",to="unhealthy"} 0`, `health_check_state{check="backup",state="healthy"} 1`,
	} {
		if !strings.Contains(page, series) {
			t.Errorf("/metrics has no %s", series)
		}
	}
	e.MustCall(t, http.MethodGet, harness.TargetPath("leased"), nil, nil, http.StatusOK)
	if mails := box.All(); len(mails) > 0 {
		t.Errorf("%d mails, the first:\n%v", len(mails), mails[0])
	}
	if n := strings.Count(e.Log.String(), "the program did not run for a while"); n < 3 {
		t.Errorf("the log says it %d times", n)
	}
}

// A heartbeat whose first beat is to come mails nothing, and its beats are known after
// kill -9: it fails when the next one is due, not later.
func TestHeartbeatsOverRestarts(t *testing.T) {
	t.Parallel()
	box := harness.StartMailbox(t)
	e := harness.StartExporter(t, box.MailConfig(`
checks:
- {name: backup, kind: heartbeat, every: 20s, interval: 1s, unhealthy: 1, healthy: 1}
- {name: other, kind: heartbeat, every: 1h, interval: 1s, unhealthy: 1, healthy: 1}
`))
	e.MustCall(t, http.MethodPost, "/api/v1/beat/backup", nil, nil, http.StatusNoContent)
	beat := time.Now()
	time.Sleep(3 * time.Second)
	for range 2 {
		e.Kill()
		e.Start(t)
		time.Sleep(2 * time.Second)
	}
	if mails := box.All(); len(mails) > 0 {
		t.Errorf("%d mails", len(mails))
	}
	harness.Await(t, 25*time.Second, "a beat that is missing", func() error {
		if page := e.Metrics(t); !strings.Contains(page, `health_check_state{check="backup",state="unhealthy"} 1`) {
			return errors.New("it is not unhealthy")
		}
		return nil
	})
	if after := time.Since(beat); after < 20*time.Second || after > 26*time.Second {
		t.Errorf("missed after %s", after)
	}
}
