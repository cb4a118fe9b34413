package alertmanager

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
)

func raise(t *testing.T, flag string) {
	t.Helper()
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A check of the exporter fails, and passes again: each is one mail to ops, since a
// check has no address of its own. Nothing is mailed when the exporter is killed
// meanwhile.
func testCheckOfExporter(t *testing.T, s *stack) {
	const check, ops = "flag", "ops@example.org"
	m := &mailStory{stack: s, Expectation: harness.Expectation{Box: s.mailbox, App: check, To: ops}}
	s.awaitValue(t, `health:check_state:held{job="health_exporter",check="flag",state="healthy"}`, "1")
	m.Check(t) // nothing until here: that it was unknown at first is no news

	if err := os.Remove(s.flag); err != nil {
		t.Fatal(err)
	}
	m.expectUnhealthyCheck(t)
	m.StaysQuiet(t, quiet)

	m.exporter.Kill()
	m.awaitUp(t, "0")
	m.exporter.Start(t)
	m.awaitUp(t, "1")
	m.StaysQuiet(t, quiet)

	raise(t, s.flag)
	m.Expect(t, "[HEALTHY] check flag is back to healthy")
	m.StaysQuiet(t, quiet)

	for _, l := range m.mailbox.All() {
		if !slices.Contains(strings.Fields(l.Header("Subject")), check) {
			continue
		}
		parts, err := l.Parts()
		if err != nil {
			t.Fatal(err)
		}
		for media, want := range map[string]string{
			"text/plain": "Check:    flag\nState:",
			"text/html":  "<td>Check</td><td>flag</td>",
		} {
			if !strings.Contains(strings.ReplaceAll(parts[media], "\r\n", "\n"), want) || !strings.Contains(parts[media], "health_exporter, "+m.exporter.Address) {
				t.Errorf("no %q, or no name of the program, in the %s of %q:\n%s", want, media, l.Header("Subject"), parts[media])
			}
		}
	}
}

// expectUnhealthyCheck waits for the mail. The check is degraded for a second
// before it is unhealthy, which Prometheus may or may not see.
func (m *mailStory) expectUnhealthyCheck(t *testing.T) {
	t.Helper()
	degraded := harness.Received{To: m.To, Subject: "[DEGRADED] check " + m.App + " health is degraded"}
	unhealthy := harness.Received{To: m.To, Subject: "[UNHEALTHY] check " + m.App + " is unhealthy"}
	harness.Await(t, harness.MailLimit, "there is a mail "+unhealthy.Subject, func() error {
		if got := m.mailbox.About(m.App); !slices.Contains(got, unhealthy) {
			return fmt.Errorf("there are %q", got)
		}
		return nil
	})
	m.Mails = []harness.Received{unhealthy}
	if got := m.mailbox.About(m.App); len(got) > 1 {
		m.Mails = []harness.Received{degraded, unhealthy}
		if diff := cmp.Diff(m.Mails, got); diff != "" {
			t.Fatalf("mails about %s (-want +got):\n%s", m.App, diff)
		}
	}
}
