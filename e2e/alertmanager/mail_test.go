package alertmanager

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
)

// quiet is how long nothing may arrive after everything expected has: several
// times the way from a change of state to the mailbox (scrape 1s, evaluation
// 1s, group_wait 1s or group_interval 2s).
const quiet = 8 * time.Second

// mailStory is one target and what is mailed about it.
type mailStory struct {
	*stack
	harness.Expectation
	service *harness.Service
}

// newMailStory registers a new application, which is healthy and known to
// Prometheus, and so quiet.
func (s *stack) newMailStory(t *testing.T, app, email string) *mailStory {
	t.Helper()
	m := &mailStory{stack: s, service: harness.StartService(t), Expectation: harness.Expectation{Box: s.mailbox, App: app, To: email}}
	s.exporter.MustCall(t, http.MethodPost, "/api/v1/targets", harness.Registration(app, m.service.URL, email), nil, http.StatusCreated)
	s.exporter.ProbeUntil(t, app, "HEALTHY")
	m.awaitSeen(t, "healthy")
	return m
}

// awaitSeen waits until Prometheus has the state of the target.
func (m *mailStory) awaitSeen(t *testing.T, state string) {
	t.Helper()
	m.awaitValue(t, fmt.Sprintf(`health:target_state:held{target=%q,state=%q}`, m.App, state), "1")
}

// degrade and the following change the health of the service, and have the target
// probed until the exporter has noticed.
func (m *mailStory) degrade(t *testing.T) {
	t.Helper()
	m.service.Set("warn")
	m.exporter.ProbeUntil(t, m.App, "DEGRADED")
	m.Expect(t, "[DEGRADED] "+m.App+" health is degraded")
}

func (m *mailStory) breakDown(t *testing.T) {
	t.Helper()
	m.service.Set("fail")
	m.exporter.ProbeUntil(t, m.App, "UNHEALTHY")
	m.Expect(t, "[UNHEALTHY] "+m.App+" is unhealthy")
}

func (m *mailStory) recover(t *testing.T) {
	t.Helper()
	m.service.Set("pass")
	m.exporter.ProbeUntil(t, m.App, "HEALTHY")
	m.Expect(t, "[HEALTHY] "+m.App+" is back to healthy")
}

// TestMails runs the scenarios one after the other against one stack, each with a
// target of its own, since some take the exporter away from all of them.
func TestMails(t *testing.T) {
	t.Parallel()
	s := startStack(t)
	var allowed []string
	for _, scenario := range []struct {
		name, email string
		run         func(*testing.T, *mailStory)
	}{
		{"up-and-down", "alice@example.org", testEveryChange},
		{"killed-while-unhealthy", "bob@example.org", testKilledWhileUnhealthy},
		{"recovers-meanwhile", "carol@example.org", testRecoversMeanwhile},
		{"gone", "dave@example.org", testUnregistered},
	} {
		allowed = append(allowed, scenario.email)
		t.Run(scenario.name, func(t *testing.T) {
			scenario.run(t, s.newMailStory(t, scenario.name, scenario.email))
		})
	}
	t.Run("outsider", func(t *testing.T) { testNotAllowed(t, s) })
	t.Run("check", func(t *testing.T) { testCheckOfExporter(t, s) })

	// Nobody else has got anything, and nothing but what the scenarios know.
	for _, l := range s.mailbox.All() {
		if len(l.To) != 1 || !slices.Contains(append(allowed, "ops@example.org"), l.To[0]) {
			t.Errorf("mail %q to %q", l.Header("Subject"), l.To)
		}
		_, summary, _ := strings.Cut(l.Header("Subject"), "] ")
		if l.To[0] == "ops@example.org" && summary != "outsider health is degraded" && summary != "outsider is unhealthy" &&
			!strings.HasPrefix(summary, "check flag ") {
			t.Errorf("mail %q to ops", l.Header("Subject"))
		}
	}
	// Prometheus repeats an alert once a minute; the first time it may not have found
	// the Alertmanager yet.
	harness.Await(t, 90*time.Second, "the dead man's receiver hears the watchdog", func() error {
		if s.watchdogs.Load() == 0 {
			return errors.New("it has heard nothing")
		}
		return nil
	})
}

func testEveryChange(t *testing.T, m *mailStory) {
	m.degrade(t)
	m.breakDown(t)
	m.recover(t)
	m.breakDownThroughDegraded(t)
	m.recover(t)
	m.StaysQuiet(t, quiet)

	for _, l := range m.mailbox.All() {
		if !slices.Equal(l.To, []string{m.To}) {
			continue
		}
		if l.From != "health@example.org" || l.Header("To") != m.To || l.Header("Auto-Submitted") != "auto-generated" || !l.TLS {
			t.Errorf("mail from %q to %q, Auto-Submitted %q, TLS %v", l.From, l.Header("To"), l.Header("Auto-Submitted"), l.TLS)
		}
		parts, err := l.Parts()
		if err != nil {
			t.Fatal(err)
		}
		_, summary, _ := strings.Cut(l.Header("Subject"), "] ")
		for _, media := range []string{"text/plain", "text/html"} {
			for _, want := range []string{summary, m.App, m.exporter.Address, "Sent by health_exporter."} {
				if !strings.Contains(parts[media], want) {
					t.Errorf("no %q in the %s of %q:\n%s", want, media, l.Header("Subject"), parts[media])
				}
			}
		}
	}
}

// breakDownThroughDegraded fails one probe at a time, and so tells both states.
func (m *mailStory) breakDownThroughDegraded(t *testing.T) {
	t.Helper()
	m.service.Set("fail")
	m.exporter.ProbeUntil(t, m.App, "DEGRADED")
	m.Expect(t, "[DEGRADED] "+m.App+" health is degraded")
	m.breakDown(t)
}

// The exporter is killed and comes back: nothing has changed, so nothing is mailed.
func testKilledWhileUnhealthy(t *testing.T, m *mailStory) {
	m.breakDownThroughDegraded(t)
	m.exporter.Kill()
	m.awaitUp(t, "0")
	m.exporter.Start(t)
	if got := m.exporter.State(t, m.App); got != "UNHEALTHY" {
		t.Errorf("state after the restart: %s", got)
	}
	m.awaitUp(t, "1")
	m.StaysQuiet(t, quiet)
	m.recover(t)
}

// What happens while the exporter is down is told when it is back, not before.
func testRecoversMeanwhile(t *testing.T, m *mailStory) {
	m.breakDownThroughDegraded(t)
	if code := m.exporter.Terminate(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	m.service.Set("pass")
	m.awaitUp(t, "0")
	m.StaysQuiet(t, quiet)
	m.exporter.Start(t)
	m.recover(t)
	m.StaysQuiet(t, quiet)
}

// Unregistered is not healthy.
func testUnregistered(t *testing.T, m *mailStory) {
	m.breakDownThroughDegraded(t)
	m.exporter.MustCall(t, http.MethodDelete, harness.TargetPath(m.App), nil, nil, http.StatusNoContent)
	m.Expect(t, "[UNREGISTERED] "+m.App+" is no longer monitored")
	m.StaysQuiet(t, quiet)
}

// An address that is not allowed is neither mailed nor shown; ops are told instead.
func testNotAllowed(t *testing.T, s *stack) {
	const app, address = "outsider", "mallory@evil.test"
	m := &mailStory{stack: s, service: harness.StartService(t), Expectation: harness.Expectation{Box: s.mailbox, App: app, To: "ops@example.org"}}
	var answer struct {
		Warnings []struct{ Field, Detail string }
	}
	s.exporter.MustCall(t, http.MethodPost, "/api/v1/targets", harness.Registration(app, m.service.URL, address), &answer, http.StatusCreated)
	if w := answer.Warnings; len(w) != 1 || w[0].Field != "email" || !strings.Contains(w[0].Detail, "registration.allowed_emails") {
		t.Errorf("warnings %q, want one about email that names registration.allowed_emails", w)
	}
	s.exporter.ProbeUntil(t, app, "HEALTHY")
	m.awaitSeen(t, "healthy")
	m.breakDownThroughDegraded(t)
	if strings.Contains(s.exporter.Metrics(t), "mallory") {
		t.Error("the address is on the page of metrics")
	}
	m.StaysQuiet(t, quiet)
}
