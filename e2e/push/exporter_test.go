package push

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
)

// The exporter itself pushes, with nothing but a few lines of configuration: the mails
// are those of the shipped routes and templates.
func TestExporterPushes(t *testing.T) {
	t.Parallel()
	stack, app := startPushStack(t, 1), harness.StartService(t)
	e := harness.StartExporter(t, fmt.Sprintf(
		"alerting: {external_url: 'http://monitor.example.org:10115', alertmanagers: ['http://%s']}\nregistration: {allowed_emails: ['@example.org']}\n",
		stack.servers[0].address))
	e.MustCall(t, http.MethodPost, "/api/v1/targets", map[string]any{
		"app": "pushed", "url": app.URL, "email": "me@example.org", "interval": 300, "healthy": 2,
	}, nil, http.StatusCreated)
	e.ProbeUntil(t, "pushed", "HEALTHY")
	app.Set("fail")
	e.ProbeUntil(t, "pushed", "UNHEALTHY")
	mailed := func(word string) func() error {
		return func() error {
			for _, mail := range stack.mailbox.About("pushed") {
				if strings.Contains(mail.Subject, word) {
					return nil
				}
			}
			return fmt.Errorf("no %s among %v", word, stack.mailbox.About("pushed"))
		}
	}
	harness.Await(t, 30*time.Second, "told of the outage", mailed("UNHEALTHY"))
	e.Kill() // a restart is not a recovery
	e.Start(t)
	app.Set("pass")
	e.ProbeUntil(t, "pushed", "HEALTHY")
	harness.Await(t, 30*time.Second, "told of the recovery", mailed("[HEALTHY]"))
	if page := e.Metrics(t); strings.Contains(page, "health_notifications_sent_total 0\n") {
		t.Error("/metrics knows of no delivery")
	}
}
