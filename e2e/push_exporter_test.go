package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The exporter itself pushes, with nothing but a few lines of configuration: the mails
// are those of the shipped routes and templates.
func TestExporterPushes(t *testing.T) {
	t.Parallel()
	stack, app := startPushStack(t, 1), startService(t)
	e := startExporter(t, fmt.Sprintf(
		"alerting: {external_url: 'http://monitor.example.org:10115', alertmanagers: ['http://%s']}\nregistration: {allowed_emails: ['@example.org']}\n",
		stack.servers[0].address))
	e.mustCall(t, http.MethodPost, "/api/v1/targets", map[string]any{
		"app": "pushed", "url": app.url, "email": "me@example.org", "interval": 300, "healthy": 2,
	}, nil, http.StatusCreated)
	e.probeUntil(t, "pushed", "HEALTHY")
	app.set("fail")
	e.probeUntil(t, "pushed", "UNHEALTHY")
	mailed := func(word string) func() error {
		return func() error {
			for _, mail := range stack.mailbox.about("pushed") {
				if strings.Contains(mail.Subject, word) {
					return nil
				}
			}
			return fmt.Errorf("no %s among %v", word, stack.mailbox.about("pushed"))
		}
	}
	await(t, 30*time.Second, "told of the outage", mailed("UNHEALTHY"))
	e.kill() // a restart is not a recovery
	e.start(t)
	app.set("pass")
	e.probeUntil(t, "pushed", "HEALTHY")
	await(t, 30*time.Second, "told of the recovery", mailed("[HEALTHY]"))
	if page := e.metrics(t); strings.Contains(page, "health_notifications_sent_total 0\n") {
		t.Error("/metrics knows of no delivery")
	}
}
