package push

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/health"
)

// pushStory is a target and what is mailed about it.
type pushStory struct {
	*pushStack
	harness.Expectation
}

// expect changes the state, and waits for one more mail with the words.
func (m *pushStory) expect(t *testing.T, state health.Verdict, words string) {
	t.Helper()
	m.pusher.set(m.App, m.To, state)
	m.expectMail(t, strings.ToUpper(state.String()), words)
}

func (m *pushStory) expectMail(t *testing.T, state, words string) {
	t.Helper()
	m.Expect(t, "["+state+"] "+m.App+words)
}

// pushQuiet is how long nothing may arrive after everything expected has: more than the
// way to the mailbox (group_interval 2s, and 2s for the second of two Alertmanagers),
// and than an alert goes on firing that is no longer told (4s).
const pushQuiet = 6 * time.Second

const (
	isUnhealthy = " is unhealthy"
	isDegraded  = " health is degraded"
	isHealthy   = " is back to healthy"
)

// TestPush pushes to one Alertmanager.
func TestPush(t *testing.T) {
	t.Parallel()
	s := startPushStack(t, 1)
	s.startPusher(t)
	m := s.story("nas", "alice@example.org")
	m.expect(t, health.Unhealthy, isUnhealthy)
	m.expect(t, health.Healthy, isHealthy)
	m.expect(t, health.Degraded, isDegraded)
	m.expect(t, health.Unhealthy, isUnhealthy)
	m.StaysQuiet(t, pushQuiet)

	// The pusher is started again, and nothing has happened.
	s.pusher.stop()
	s.startPusher(t)
	m.StaysQuiet(t, pushQuiet)
	// It is away for longer than an alert goes on firing that is not told again, and
	// nobody is told anything. Meanwhile the target recovers, which is told when it is back.
	s.pusher.stop()
	m.StaysQuiet(t, pushQuiet)
	m.pusher.set(m.App, m.To, health.Healthy)
	s.startPusher(t)
	m.expectMail(t, "HEALTHY", isHealthy)
	// What has not changed meanwhile is not told again.
	m.expect(t, health.Degraded, isDegraded)
	s.pusher.stop()
	m.StaysQuiet(t, pushQuiet)
	s.startPusher(t)
	m.StaysQuiet(t, pushQuiet)

	// Alertmanager is killed. What changes until it is back is told then.
	s.servers[0].Kill()
	m.pusher.set(m.App, m.To, health.Unhealthy)
	harness.Await(t, harness.StartLimit, "the failures are counted", func() error {
		if stats := s.pusher.Stats(); stats.Untold != 1 || stats.Instances[0].Failed["connect"] < 2 {
			return fmt.Errorf("stats %+v", stats)
		}
		return nil
	})
	s.servers[0].launch(t)
	m.expectMail(t, "UNHEALTHY", isUnhealthy)
	m.pusher.remove(m.App)
	m.expectMail(t, "UNREGISTERED", " is no longer monitored")
	m.StaysQuiet(t, pushQuiet)
	if stats := s.pusher.Stats(); stats.Untold != 0 {
		t.Errorf("stats %+v", stats)
	}
	s.checkRefused(t)
}

// TestPushToCluster pushes to two Alertmanagers, of which one or both are down at times.
// When both run, the state changes only before one was restarted: from then on they
// look at the same group at different times, and the one that has to wait for the other
// may mail an older state after the newer one. That is so with Prometheus too.
func TestPushToCluster(t *testing.T) {
	t.Parallel()
	s := startPushStack(t, 2)
	s.startPusher(t)
	m := s.story("nas", "alice@example.org")
	m.expect(t, health.Unhealthy, isUnhealthy)
	m.expect(t, health.Degraded, isDegraded)
	m.StaysQuiet(t, pushQuiet)

	for down := range s.servers {
		s.servers[down].Kill()
		m.expect(t, health.Unhealthy, isUnhealthy)
		m.expect(t, health.Healthy, isHealthy)
		if untold := s.pusher.Stats().Untold; untold != 0 {
			t.Errorf("%d untold, although one of two has accepted them", untold)
		}
		s.servers[down].launch(t)
		for _, a := range s.servers {
			a.awaitPeers(t, 2)
		}
		m.StaysQuiet(t, pushQuiet)
	}

	// Both are down while the state changes twice: the last one is told.
	s.servers[0].Kill()
	s.servers[1].Kill()
	m.pusher.set(m.App, m.To, health.Degraded)
	time.Sleep(2 * time.Second)
	m.pusher.set(m.App, m.To, health.Unhealthy)
	harness.Await(t, harness.StartLimit, "nobody has heard of it", func() error {
		if stats := s.pusher.Stats(); stats.Untold != 1 {
			return fmt.Errorf("stats %+v", stats)
		}
		return nil
	})
	s.servers[0].launch(t)
	s.servers[1].launch(t)
	m.expectMail(t, "UNHEALTHY", isUnhealthy)
	m.StaysQuiet(t, pushQuiet)
	s.checkRefused(t)
}

// TestPushOddNames pushes names and addresses that others choose, and finds each in
// Alertmanager as it is.
func TestPushOddNames(t *testing.T) {
	t.Parallel()
	s := startPushStack(t, 1)
	names := []string{
		`<b>"a&b"</b>`, `{{ .ExternalURL }}`, "späti \u202e 🏠", `back\slash 'quote' ,{}=`, strings.Repeat("x", 128), "\xff not UTF-8",
	}
	for _, name := range names {
		s.pusher.set(name, "not allowed <x@evil.test>, y", health.Unhealthy)
	}
	for i, link := range []string{"javascript:alert(1)", "no link at all %zz"} { // nobody pushes yet
		target := s.pusher.targets[names[i]]
		target.Link = link
		s.pusher.targets[names[i]] = target
	}
	s.startPusher(t)
	harness.Await(t, harness.StartLimit, "Alertmanager has all alerts", func() error {
		resp, err := harness.Client.Get("http://" + s.servers[0].address + "/api/v2/alerts?active=true")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var alerts []struct {
			Labels    map[string]string
			Receivers []struct{ Name string }
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", resp.Status)
		}
		if err := json.NewDecoder(resp.Body).Decode(&alerts); err != nil {
			return err
		}
		got := map[string]bool{}
		for _, a := range alerts {
			got[a.Labels["target"]] = true
			if len(a.Receivers) != 1 || a.Receivers[0].Name != "target-ops" {
				t.Fatalf("%q goes to %v", a.Labels, a.Receivers)
			}
		}
		for _, name := range names {
			if !got[strings.ToValidUTF8(name, "\ufffd")] {
				return fmt.Errorf("no %q in %q", name, slices.Sorted(maps.Keys(got)))
			}
		}
		return nil
	})
	s.checkRefused(t)
}
