package app

import (
	"context"
	"net"
	"reflect"
	"sync"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/internal/zeroconf"
	"github.com/health-exporter/health_exporter/prober"
)

// multicast runs the announcer and the browser of the configuration in force.
type multicast struct {
	announcer restartable[*zeroconf.Announcer]
	browser   restartable[*zeroconf.Browser]

	// mu makes changes of what runs one at a time, which may take seconds, and protects all
	// following fields. No figure needs it.
	mu       sync.Mutex
	base     context.Context
	now      *config.MDNS // nil for no browsing
	network  *prober.NetworkPolicy
	place    listening
	recalled []zeroconf.Entry // what was found before the restart
}

// startMulticast begins, once it is known where we listen.
func (a *App) startMulticast(ctx context.Context, listeners []net.Listener) {
	m := &a.multicast
	m.mu.Lock()
	defer m.mu.Unlock()
	m.base, m.place = ctx, reachable(listeners)
	m.place.https = usesTLS(a.opts.Web.WebConfigFile)
	cfg := a.config.Load()
	a.restartAnnouncer(cfg.Discovery.MDNS)
	if cfg.Discovery.MDNS != nil {
		m.browser.begin(ctx, a.newBrowser(cfg, m.recalled))
	}
	if a.opts.Zeroconf && m.place.port == 0 {
		a.log.Info("not announced on the network: only this host can reach the exporter, or its listeners are made by others")
	}
}

// stopAnnouncing says goodbye. It comes before the listeners are closed.
func (a *App) stopAnnouncing() {
	a.multicast.mu.Lock()
	defer a.multicast.mu.Unlock()
	a.multicast.base = nil // a reload does not begin anew
	a.multicast.announcer.end()
}

func (a *App) stopMulticast() {
	a.stopAnnouncing()
	a.multicast.mu.Lock()
	defer a.multicast.mu.Unlock()
	a.multicast.browser.end()
}

// adoptMulticast puts another configuration in force, where it is another one.
func (a *App) adoptMulticast(cfg *config.Config) {
	m := &a.multicast
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.base == nil {
		return
	}
	before := m.now
	if !reflect.DeepEqual(interfacesOf(before), interfacesOf(cfg.Discovery.MDNS)) {
		a.restartAnnouncer(cfg.Discovery.MDNS)
	}
	if !sameMDNS(before, cfg.Discovery.MDNS) || !reflect.DeepEqual(m.network, cfg.Network) {
		a.restartBrowser(cfg)
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
func (a *App) restartBrowser(cfg *config.Config) {
	m := &a.multicast
	var known []zeroconf.Entry
	if browser, ok := m.browser.running(); ok {
		known = browser.Entries()
	}
	m.browser.end()
	if cfg.Discovery.MDNS == nil {
		m.now = nil
		a.registry.Retire(prober.SourceMDNS) // the operator wants no more of them, so nothing is buried
		return
	}
	m.browser.begin(m.base, a.newBrowser(cfg, known))
}

// newBrowser makes one for the configuration; mu is held.
func (a *App) newBrowser(cfg *config.Config, known []zeroconf.Entry) *zeroconf.Browser {
	m := &a.multicast
	m.now, m.network = cfg.Discovery.MDNS, cfg.Network
	return &zeroconf.Browser{
		Network: zeroconf.Multicast{}, Services: m.now.Services, Interfaces: m.now.Interfaces, MaxTargets: m.now.MaxTargets,
		Known: known, OwnPort: m.place.port, Log: a.log,
		Changed: func(targets []prober.Target) { a.registry.Replace(prober.SourceMDNS, targets) },
		Policy: zeroconf.Policy{
			Networks: m.now.Networks, Modules: m.now.Modules, KindOf: cfg.KindOf, Network: cfg.Network,
			Interval: m.now.Interval, Timeout: m.now.Timeout, Group: m.now.Group, Labels: m.now.Labels,
		},
	}
}

// multicastStats are the figures of what is switched on.
func (a *App) multicastStats() (s selfmetrics.Multicast) {
	if announcer, ok := a.multicast.announcer.running(); ok {
		stats := announcer.Stats()
		s.Announcer = &stats
	}
	if browser, ok := a.multicast.browser.running(); ok {
		stats := browser.Stats()
		s.Browser = &stats
	}
	return s
}
