package push

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/alertmanager"
	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// pushStack is one or two Alertmanagers with the shipped configuration and templates,
// and a mailbox behind them. There is no Prometheus: this process pushes.
type pushStack struct {
	mailbox *harness.Mailbox
	servers []*amServer
	dir     string
	pusher  *pusher
}

// amServer can be killed and started again, with the same address and storage.
type amServer struct {
	*harness.Process
	program, dir, address string
	args, env             []string
}

// startPushStack starts so many Alertmanagers. Two make a cluster.
func startPushStack(t *testing.T, number int) *pushStack {
	t.Helper()
	program := testneed.Program(t, "prometheus-alertmanager", "alertmanager", "prometheus-alertmanager")
	s := &pushStack{mailbox: harness.StartMailbox(t), dir: t.TempDir()}
	if _, err := durable.WriteTree(s.dir, alerting.Files()); err != nil {
		t.Fatal(err)
	}
	harness.Example(t, s.dir, "alertmanager.yml",
		"mail.example.org:587", s.mailbox.Address,
		"group_wait: 10s", "group_wait: 1s",
		"group_interval: 1m ", "group_interval: 2s ",
	)
	var peers []string
	for range number {
		peers = append(peers, testport.Reserve(t))
	}
	for n := range number {
		a := &amServer{program: program, dir: s.dir, address: testport.Reserve(t), env: []string{"SSL_CERT_FILE=" + s.mailbox.CAFile}}
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
	s.pusher = &pusher{saved: map[string][]byte{}, targets: map[string]alerting.Subject{}}
	return s
}

func (a *amServer) launch(t *testing.T) {
	t.Helper()
	cmd := exec.Command(a.program, a.args...)
	cmd.Dir = a.dir
	cmd.Env = append(os.Environ(), a.env...)
	a.Process = harness.Start(t, "alertmanager", cmd)
	a.AwaitReady(t, "http://"+a.address+"/-/ready")
}

// awaitPeers waits until it knows that so many Alertmanagers are there, and is settled.
func (a *amServer) awaitPeers(t *testing.T, number int) {
	t.Helper()
	if number < 2 {
		return
	}
	harness.Await(t, harness.StartLimit, "the Alertmanagers have met", func() error {
		resp, err := harness.Client.Get("http://" + a.address + "/api/v2/status")
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
	*alertmanager.Pusher // nil before the first start
	stop                 func()

	mu      sync.Mutex
	targets map[string]alerting.Subject // guarded by mu
	journal []alerting.Event            // guarded by mu
	saved   map[string][]byte           // guarded by mu
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

// subject is one of them as it is now.
func (p *pusher) subject(_ alerting.Kind, name string) *alerting.Subject {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, there := p.targets[name]; there {
		return &s
	}
	return nil
}

// set gives a target its state.
func (p *pusher) set(name, email string, state health.Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, there := p.targets[name]
	e := alerting.Event{Kind: alerting.Target, Name: name, What: alerting.StateChanged}
	e.Change = alerting.Change{Time: time.Now(), From: s.State, To: state}
	if !there {
		s = alerting.Subject{Kind: alerting.Target, Name: name, Email: email}
		e.What = alerting.Registered
	}
	s.State, s.Since = state, e.Time
	p.targets[name] = s
	p.note(e)
}

func (p *pusher) remove(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.targets[name]
	delete(p.targets, name)
	e := alerting.Event{Kind: alerting.Target, Name: name, What: alerting.Removed, Subject: &was}
	e.Change = alerting.Change{Time: time.Now(), To: was.State}
	p.note(e)
}

// note adds to the journal, and tells whoever pushes; mu is held.
func (p *pusher) note(e alerting.Event) {
	e.Seq = uint64(len(p.journal)) + 1
	p.journal = append(p.journal, e)
	if p.Pusher != nil {
		_ = p.Take(p.journal[len(p.journal)-1:])
	}
}

// catchUp tells whoever pushes what has happened while nobody did.
func (p *pusher) catchUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	seq, ok := p.Cursor()
	if ok {
		_ = p.Take(p.journal[seq:])
		return
	}
	var all []*alerting.Subject
	for _, s := range p.targets {
		all = append(all, &s)
	}
	_ = p.Begin(slices.Values(all), uint64(len(p.journal)))
}

// startPusher pushes with times as much shorter than usual as those of Alertmanager.
func (s *pushStack) startPusher(t *testing.T) {
	t.Helper()
	p := s.pusher
	p.mu.Lock()
	p.Pusher = &alertmanager.Pusher{
		Instance: "exporter:10115", Resend: time.Second, Saved: maps.Clone(p.saved), Save: p.save, Subject: p.subject,
	}
	p.mu.Unlock()
	for _, a := range s.servers {
		p.URLs = append(p.URLs, "http://"+a.address)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	p.catchUp()
	go func() { ended <- p.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(p.stop)
}

func (s *pushStack) story(app, email string) *pushStory {
	m := &pushStory{pushStack: s, Expectation: harness.Expectation{Box: s.mailbox, App: app, To: email}}
	s.pusher.set(app, email, health.Healthy)
	return m
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
