package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	m := &mailStory{stack: s, app: check, to: ops}
	s.awaitValue(t, `health:check_state:held{job="health_exporter",check="flag",state="healthy"}`, "1")
	m.check(t) // nothing until here: that it was unknown at first is no news

	if err := os.Remove(s.flag); err != nil {
		t.Fatal(err)
	}
	m.expectUnhealthyCheck(t)
	m.expectQuiet(t)

	m.exporter.kill()
	m.awaitUp(t, "0")
	m.exporter.start(t)
	m.awaitUp(t, "1")
	m.expectQuiet(t)

	raise(t, s.flag)
	m.expect(t, "[HEALTHY] check flag is back to healthy")
	m.expectQuiet(t)

	for _, l := range m.mailbox.all() {
		if !slices.Contains(strings.Fields(l.header("Subject")), check) {
			continue
		}
		parts, err := l.parts()
		if err != nil {
			t.Fatal(err)
		}
		for media, want := range map[string]string{
			"text/plain": "Check:    flag\nState:",
			"text/html":  "<td>Check</td><td>flag</td>",
		} {
			if !strings.Contains(strings.ReplaceAll(parts[media], "\r\n", "\n"), want) || !strings.Contains(parts[media], "health_exporter, "+m.exporter.address) {
				t.Errorf("no %q, or no name of the program, in the %s of %q:\n%s", want, media, l.header("Subject"), parts[media])
			}
		}
	}
}

// expectUnhealthyCheck waits for the mail. The check is degraded for a second
// before it is unhealthy, which Prometheus may or may not see.
func (m *mailStory) expectUnhealthyCheck(t *testing.T) {
	t.Helper()
	degraded := received{m.to, "[DEGRADED] check " + m.app + " health is degraded"}
	unhealthy := received{m.to, "[UNHEALTHY] check " + m.app + " is unhealthy"}
	await(t, mailLimit, "there is a mail "+unhealthy.Subject, func() error {
		if got := m.mailbox.about(m.app); !slices.Contains(got, unhealthy) {
			return fmt.Errorf("there are %q", got)
		}
		return nil
	})
	m.mails = []received{unhealthy}
	if got := m.mailbox.about(m.app); len(got) > 1 {
		m.mails = []received{degraded, unhealthy}
		if diff := cmp.Diff(m.mails, got); diff != "" {
			t.Fatalf("mails about %s (-want +got):\n%s", m.app, diff)
		}
	}
}
