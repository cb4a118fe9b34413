package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// pushStack is one or two Alertmanagers with the shipped configuration and templates,
// and a mailbox behind them. There is no Prometheus: this process pushes.
type pushStack struct {
	mailbox *mailbox
	servers []*alertmanager
	dir     string
	pusher  *pusher
}

// alertmanager can be killed and started again, with the same address and storage.
type alertmanager struct {
	*process
	program, dir, address string
	args, env             []string
}

// startPushStack starts so many Alertmanagers. Two make a cluster.
func startPushStack(t *testing.T, number int) *pushStack {
	t.Helper()
	program := lookPath(t, "prometheus-alertmanager", "alertmanager", "prometheus-alertmanager")
	s := &pushStack{mailbox: startMailbox(t), dir: t.TempDir()}
	if _, err := alerting.Write(s.dir); err != nil {
		t.Fatal(err)
	}
	example(t, s.dir, "alertmanager.yml",
		"mail.example.org:587", s.mailbox.address,
		"group_wait: 10s", "group_wait: 1s",
		"group_interval: 1m ", "group_interval: 2s ",
	)
	var peers []string
	for range number {
		peers = append(peers, freeAddress(t))
	}
	for n := range number {
		a := &alertmanager{program: program, dir: s.dir, address: freeAddress(t), env: []string{"SSL_CERT_FILE=" + s.mailbox.caFile}}
		a.args = []string{
			"--config.file=alertmanager.yml", "--web.listen-address=" + a.address, "--storage.path=" + t.TempDir(),
			"--cluster.listen-address=",
		}
		if number > 1 {
			a.args[len(a.args)-1] += peers[n]
			a.args = append(a.args, "--cluster.peer="+peers[1-n], "--cluster.peer-timeout=2s",
				"--cluster.gossip-interval=50ms", "--cluster.pushpull-interval=1s", "--cluster.settle-timeout=1s",
				"--cluster.reconnect-interval=1s", "--cluster.tcp-timeout=1s", "--cluster.probe-interval=500ms")
		}
		s.servers = append(s.servers, a)
	}
	for _, a := range s.servers {
		a.launch(t)
	}
	for _, a := range s.servers {
		a.awaitPeers(t, number)
	}
	s.pusher = &pusher{saved: map[string][]byte{}, changed: make(chan struct{}, 1)}
	return s
}

func (a *alertmanager) launch(t *testing.T) {
	t.Helper()
	cmd := exec.Command(a.program, a.args...)
	cmd.Dir = a.dir
	cmd.Env = append(os.Environ(), a.env...)
	a.process = start(t, "alertmanager", cmd)
	a.awaitReady(t, "http://"+a.address+"/-/ready")
}

// awaitPeers waits until it knows that so many Alertmanagers are there, and is settled.
func (a *alertmanager) awaitPeers(t *testing.T, number int) {
	t.Helper()
	if number < 2 {
		return
	}
	await(t, startLimit, "the Alertmanagers have met", func() error {
		resp, err := apiClient.Get("http://" + a.address + "/api/v2/status")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var answer struct {
			Cluster struct {
				Status string
				Peers  []any
			}
		}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			return err
		}
		if len(answer.Cluster.Peers) != number || answer.Cluster.Status != "ready" {
			return fmt.Errorf("%d peers, %s", len(answer.Cluster.Peers), answer.Cluster.Status)
		}
		return nil
	})
}

// pusher is subjects, and what pushes their alerts. It can be stopped and started
// again, and remembers what was saved.
type pusher struct {
	changed chan struct{}
	*alerting.Alertmanagers
	stop func()

	mu      sync.Mutex
	targets []alerting.Subject // guarded by mu
	saved   map[string][]byte  // guarded by mu
}

func (p *pusher) save(changed map[string][]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, part := range changed {
		if part == nil {
			delete(p.saved, key)
		} else {
			p.saved[key] = part
		}
	}
	return nil
}

func (p *pusher) list() []alerting.Subject {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.targets)
}

// set gives a target its state.
func (p *pusher) set(name, email string, state health.Verdict) {
	p.mu.Lock()
	i := slices.IndexFunc(p.targets, func(s alerting.Subject) bool { return s.Name == name })
	if i < 0 {
		i = len(p.targets)
		p.targets = append(p.targets, alerting.Subject{Kind: alerting.Target, Name: name, Email: email})
	}
	p.targets[i].State, p.targets[i].Since = state, time.Now()
	p.mu.Unlock()
	p.look()
}

func (p *pusher) remove(name string) {
	p.mu.Lock()
	p.targets = slices.DeleteFunc(p.targets, func(s alerting.Subject) bool { return s.Name == name })
	p.mu.Unlock()
	p.look()
}

func (p *pusher) look() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// startPusher pushes with times as much shorter than usual as those of Alertmanager.
func (s *pushStack) startPusher(t *testing.T) {
	t.Helper()
	p := s.pusher
	p.mu.Lock()
	p.Alertmanagers = &alerting.Alertmanagers{
		Origin: alerting.Origin{Instance: "exporter:10115"}, Resend: time.Second, Timeout: 2 * time.Second,
		Gap: 100 * time.Millisecond, Saved: maps.Clone(p.saved), Save: p.save,
	}
	p.mu.Unlock()
	for _, a := range s.servers {
		p.URLs = append(p.URLs, "http://"+a.address)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx, p.list, p.changed) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(p.stop)
}

// pushStory is a target and what is mailed about it.
type pushStory struct {
	*pushStack
	app, email string
	mails      []received // those expected so far
}

func (s *pushStack) story(app, email string) *pushStory {
	m := &pushStory{pushStack: s, app: app, email: email}
	s.pusher.set(app, email, health.Healthy)
	return m
}

// expect changes the state, and waits for one more mail with the words.
func (m *pushStory) expect(t *testing.T, state health.Verdict, words string) {
	t.Helper()
	m.pusher.set(m.app, m.email, state)
	m.expectMail(t, strings.ToUpper(state.String()), words)
}

func (m *pushStory) expectMail(t *testing.T, state, words string) {
	t.Helper()
	m.mails = append(m.mails, received{m.email, "[" + state + "] " + m.app + words})
	await(t, mailLimit, "there is a mail "+m.app+words, func() error {
		if got := m.mailbox.about(m.app); len(got) < len(m.mails) {
			return fmt.Errorf("there are %q", got)
		}
		return nil
	})
	m.check(t)
}

func (m *pushStory) check(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff(m.mails, m.mailbox.about(m.app)); diff != "" {
		t.Fatalf("mails about %s (-want +got):\n%s", m.app, diff)
	}
}

func (m *pushStory) expectQuiet(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(pushQuiet); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		m.check(t)
	}
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
	m.expectQuiet(t)

	// The pusher is started again, and nothing has happened.
	s.pusher.stop()
	s.startPusher(t)
	m.expectQuiet(t)
	// It is away for longer than an alert goes on firing that is not told again, and
	// nobody is told anything. Meanwhile the target recovers, which is told when it is back.
	s.pusher.stop()
	m.expectQuiet(t)
	m.pusher.set(m.app, m.email, health.Healthy)
	s.startPusher(t)
	m.expectMail(t, "HEALTHY", isHealthy)
	// What has not changed meanwhile is not told again.
	m.expect(t, health.Degraded, isDegraded)
	s.pusher.stop()
	m.expectQuiet(t)
	s.startPusher(t)
	m.expectQuiet(t)

	// Alertmanager is killed. What changes until it is back is told then.
	s.servers[0].kill()
	m.pusher.set(m.app, m.email, health.Unhealthy)
	await(t, startLimit, "the failures are counted", func() error {
		if stats := s.pusher.Stats(); stats.Untold != 1 || stats.Instances[0].Failed["connect"] < 2 {
			return fmt.Errorf("stats %+v", stats)
		}
		return nil
	})
	s.servers[0].launch(t)
	m.expectMail(t, "UNHEALTHY", isUnhealthy)
	m.pusher.remove(m.app)
	m.expectMail(t, "UNREGISTERED", " is no longer monitored")
	m.expectQuiet(t)
	if stats := s.pusher.Stats(); stats.Untold != 0 {
		t.Errorf("stats %+v", stats)
	}
	s.checkRefused(t)
}

// checkRefused looks that nothing of what was pushed has been refused.
func (s *pushStack) checkRefused(t *testing.T) {
	t.Helper()
	for _, i := range s.pusher.Stats().Instances {
		for reason, n := range i.Failed {
			if n > 0 && reason != "connect" && reason != "timeout" {
				t.Errorf("%s: %d requests failed: %s", i.URL, n, reason)
			}
		}
	}
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
	m.expectQuiet(t)

	for down := range s.servers {
		s.servers[down].kill()
		m.expect(t, health.Unhealthy, isUnhealthy)
		m.expect(t, health.Healthy, isHealthy)
		if untold := s.pusher.Stats().Untold; untold != 0 {
			t.Errorf("%d untold, although one of two has accepted them", untold)
		}
		s.servers[down].launch(t)
		for _, a := range s.servers {
			a.awaitPeers(t, 2)
		}
		m.expectQuiet(t)
	}

	// Both are down while the state changes twice: the last one is told.
	s.servers[0].kill()
	s.servers[1].kill()
	m.pusher.set(m.app, m.email, health.Degraded)
	time.Sleep(2 * time.Second)
	m.pusher.set(m.app, m.email, health.Unhealthy)
	await(t, startLimit, "nobody has heard of it", func() error {
		if stats := s.pusher.Stats(); stats.Untold != 1 {
			return fmt.Errorf("stats %+v", stats)
		}
		return nil
	})
	s.servers[0].launch(t)
	s.servers[1].launch(t)
	m.expectMail(t, "UNHEALTHY", isUnhealthy)
	m.expectQuiet(t)
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
	s.pusher.targets[0].Link = "javascript:alert(1)" // nobody pushes yet
	s.pusher.targets[1].Link = "no link at all %zz"
	s.startPusher(t)
	await(t, startLimit, "Alertmanager has all alerts", func() error {
		resp, err := apiClient.Get("http://" + s.servers[0].address + "/api/v2/alerts?active=true")
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
