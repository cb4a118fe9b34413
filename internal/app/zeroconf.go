package app

import (
	"context"
	"log/slog"
	"reflect"
	"sync"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/internal/zeroconf"
	"github.com/health-exporter/health_exporter/prober"
)

// multicast runs the announcer and the browser of the configuration in force.
type multicast struct {
	path            string // of the storage directory; empty for none
	log             *slog.Logger
	found           found
	wanted          bool             // the exporter is to be announced
	version, prefix string           // of the exporter, to be announced
	place           func() listening // is known once it listens

	announcer restartable[*zeroconf.Announcer]
	browser   restartable[*zeroconf.Browser]

	// mu serializes changes of what runs, which may take seconds, and protects all
	// following fields. No figure needs it.
	mu       sync.Mutex
	base     context.Context // nil while nothing runs
	cfg      *config.Config  // in force; nil before the first
	now      *config.MDNS    // nil for no browsing
	network  *prober.NetworkPolicy
	at       listening
	recalled []zeroconf.Entry // what was found before the restart
}

// start begins, once it is known where we listen.
func (m *multicast) start(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.base, m.at = ctx, m.place()
	m.restartAnnouncer(m.cfg.Discovery.MDNS)
	if m.cfg.Discovery.MDNS != nil {
		m.browser.begin(ctx, m.newBrowser(m.cfg, m.recalled))
	}
	if m.wanted && m.at.port == 0 {
		m.log.Info("not announced on the network: only this host can reach the exporter, or its listeners are made by others")
	}
}

// withdraw sends a goodbye. It comes before the listeners are closed.
func (m *multicast) withdraw() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.base = nil // a reload does not begin anew
	m.announcer.end()
}

func (m *multicast) stop() {
	m.withdraw()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.browser.end()
}

// adopt puts another configuration in force, where it is another one.
func (m *multicast) adopt(cfg *config.Config) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := m.cfg == nil
	m.cfg = cfg
	if first {
		m.recall(cfg)
	}
	if m.base == nil {
		return
	}
	before := m.now
	if !reflect.DeepEqual(interfacesOf(before), interfacesOf(cfg.Discovery.MDNS)) {
		m.restartAnnouncer(cfg.Discovery.MDNS)
	}
	if !sameMDNS(before, cfg.Discovery.MDNS) || !reflect.DeepEqual(m.network, cfg.Network) {
		m.restartBrowser(cfg)
	}
}

func interfacesOf(m *config.MDNS) []string {
	if m == nil {
		return nil
	}
	return m.Interfaces
}

// sameMDNS compares all but the built-in modules, which never change.
func sameMDNS(x, y *config.MDNS) bool {
	if x == nil || y == nil {
		return x == y
	}
	v, w := *x, *y
	v.Builtin, w.Builtin = nil, nil
	return reflect.DeepEqual(v, w)
}

// restartBrowser begins anew, with what is known already; mu is held.
func (m *multicast) restartBrowser(cfg *config.Config) {
	var known []zeroconf.Entry
	if browser, ok := m.browser.running(); ok {
		known = browser.Entries()
	}
	m.browser.end()
	if cfg.Discovery.MDNS == nil {
		m.now = nil
		m.found.Retire(prober.SourceMDNS) // the operator wants no more of them, so there is no tombstone
		return
	}
	m.browser.begin(m.base, m.newBrowser(cfg, known))
}

// newBrowser makes one for the configuration; mu is held.
func (m *multicast) newBrowser(cfg *config.Config, known []zeroconf.Entry) *zeroconf.Browser {
	m.now, m.network = cfg.Discovery.MDNS, cfg.Network
	return &zeroconf.Browser{
		Network: zeroconf.Multicast{}, Services: m.now.Services, Interfaces: m.now.Interfaces, MaxTargets: m.now.MaxTargets,
		Known: known, OwnPort: m.at.port, Log: m.log,
		Changed: func(targets []prober.Target) { m.found.Replace(prober.SourceMDNS, targets) },
		Policy: zeroconf.Policy{
			Networks: m.now.Networks, Modules: m.now.Modules, KindOf: cfg.KindOf, Network: cfg.Network,
			Interval: m.now.Interval, Timeout: m.now.Timeout, Group: m.now.Group, Labels: m.now.Labels,
		},
	}
}

// multicastStats are the figures of what is switched on.
func (m *multicast) stats() (s selfmetrics.Multicast) {
	if announcer, ok := m.announcer.running(); ok {
		stats := announcer.Stats()
		s.Announcer = &stats
	}
	if browser, ok := m.browser.running(); ok {
		stats := browser.Stats()
		s.Browser = &stats
	}
	return s
}
