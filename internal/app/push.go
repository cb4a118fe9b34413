package app

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"sync"

	promconfig "github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/alertmanager"
	"github.com/health-exporter/health_exporter/internal/config"
)

// pushing runs the goroutines that depend on the configuration: pushing alerts, and
// the heartbeat.
type pushing struct {
	log       *slog.Logger
	addresses []string // those on which the exporter listens
	subject   func(kind alerting.Kind, name string) *alerting.Subject
	memory    memory // of what Alertmanagers were told
	heartbeat heartbeat

	mu     sync.Mutex      // protects all following fields
	base   context.Context // nil while nothing runs
	now    config.Alerting
	stop   context.CancelFunc
	work   sync.WaitGroup
	pusher *alertmanager.Pusher // nil for none
}

// memory is kept over a restart.
type memory interface {
	Kept() (map[string][]byte, error)
	Keep(changed map[string][]byte) error
}

// start begins, and end ends it.
func (p *pushing) start(ctx context.Context, cfg config.Alerting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.base = ctx
	p.restart(cfg)
}

func (p *pushing) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halt()
	p.base = nil
}

// adopt puts another configuration in force, if it is another one.
func (p *pushing) adopt(cfg config.Alerting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now
	if p.base != nil && (!reflect.DeepEqual(now.Alertmanagers, cfg.Alertmanagers) || now.ExternalURL != cfg.ExternalURL ||
		now.HeartbeatURL != cfg.HeartbeatURL || now.HeartbeatInterval != cfg.HeartbeatInterval) {
		p.restart(cfg)
	}
}

// halt ends what runs; mu is held.
func (p *pushing) halt() {
	if p.stop != nil {
		p.stop()
		p.work.Wait()
		p.stop, p.pusher = nil, nil
	}
}

// restart begins anew; mu is held.
func (p *pushing) restart(cfg config.Alerting) {
	p.halt()
	p.now = cfg
	ctx, stop := context.WithCancel(p.base)
	p.stop = stop
	if len(cfg.Alertmanagers) > 0 {
		saved, err := p.memory.Kept()
		if err != nil {
			p.log.Error("what was sent to the Alertmanagers is no longer known", "err", err)
		}
		pusher, err := newPusher(cfg, p.addresses)
		if err != nil {
			p.log.Error("alerts cannot be pushed", "err", err)
			return
		}
		pusher.Saved, pusher.Save, pusher.Log, pusher.Subject = saved, p.memory.Keep, p.log, p.subject
		p.pusher = pusher
		p.work.Go(func() {
			if err := pusher.Run(ctx); err != nil && ctx.Err() == nil {
				p.log.Error("alerts cannot be pushed", "err", err)
			}
		})
	}
	if cfg.HeartbeatURL != "" {
		p.work.Go(func() { p.heartbeat.run(ctx, cfg.HeartbeatURL, cfg.HeartbeatInterval) })
	}
}

// newPusher makes what pushes to the Alertmanagers of the configuration. addresses are
// those on which the exporter listens.
func newPusher(cfg config.Alerting, addresses []string) (*alertmanager.Pusher, error) {
	p := &alertmanager.Pusher{Instance: instance(cfg, addresses), Transports: map[string]http.RoundTripper{}}
	for i := range cfg.Alertmanagers {
		each := &cfg.Alertmanagers[i]
		transport, err := promconfig.NewRoundTripperFromConfig(each.Client(), "alertmanager")
		if err != nil {
			return nil, fmt.Errorf("reaching the Alertmanager %s: %w", each.At(), err)
		}
		p.URLs = append(p.URLs, each.At())
		p.Transports[each.At()] = transport
	}
	return p, nil
}

// instance is what the label instance is for alerts that are pushed.
func instance(cfg config.Alerting, addresses []string) string {
	if u, err := url.Parse(cfg.ExternalURL); err == nil && u.Host != "" {
		return u.Host
	}
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	if len(addresses) == 0 {
		return name
	}
	_, port, _ := net.SplitHostPort(addresses[0])
	return net.JoinHostPort(name, port)
}

// running is what pushes; nil for nothing.
func (p *pushing) running() *alertmanager.Pusher {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pusher
}

// Listens reports whether alerts are pushed.
func (p *pushing) Listens() bool { return p.running() != nil }

// Cursor is the place in the journal of what was taken in last.
func (p *pushing) Cursor() (seq uint64, ok bool) {
	if pusher := p.running(); pusher != nil {
		return pusher.Cursor()
	}
	return 0, false
}

// Begin takes in how all subjects are.
func (p *pushing) Begin(subjects iter.Seq[*alerting.Subject], seq uint64) error {
	if pusher := p.running(); pusher != nil {
		return pusher.Begin(subjects, seq)
	}
	return nil
}

// Take takes in what happened next.
func (p *pushing) Take(events []alerting.Event) error {
	if pusher := p.running(); pusher != nil {
		return pusher.Take(events)
	}
	return nil
}

// stats are the figures of pushing; zero if nothing is pushed.
func (p *pushing) stats() (s alertmanager.Stats) {
	if pusher := p.running(); pusher != nil {
		s = pusher.Stats()
	}
	return s
}

// problem is why Alertmanagers, or whoever waits for the heartbeat, are not told; empty
// if they are.
func (p *pushing) problem() string {
	for _, each := range p.stats().Instances {
		if each.Error != "" {
			return "the Alertmanager " + each.URL + " does not accept alerts: " + each.Error
		}
	}
	return p.heartbeat.problem()
}
