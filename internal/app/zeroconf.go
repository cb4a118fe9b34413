package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/zeroconf"
	"github.com/health-exporter/health_exporter/prober"
)

// multicast runs the announcer and the browser of the configuration in force.
type multicast struct {
	mu        sync.Mutex // protects all following fields
	base      context.Context
	now       *config.MDNS // nil for no browsing
	network   *prober.NetworkPolicy
	place     listening
	announcer part[*zeroconf.Announcer]
	browser   part[*zeroconf.Browser]
}

// part is something that runs; the zero value is none.
type part[T any] struct {
	it   T
	on   bool
	stop context.CancelFunc
	done chan struct{}
}

func begin[T interface{ Run(context.Context) }](ctx context.Context, it T) part[T] {
	ctx, stop := context.WithCancel(ctx)
	p := part[T]{it: it, on: true, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		it.Run(ctx)
	}()
	return p
}

// end waits until it has ended.
func (p *part[T]) end() {
	if p.on {
		p.stop()
		<-p.done
		*p = part[T]{}
	}
}

// listening is where others reach us.
type listening struct {
	port    int // 0: nowhere
	address netip.Addr
	https   bool
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
	a.restartBrowser(cfg)
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

// restartAnnouncer begins anew; mu is held.
func (a *App) restartAnnouncer(cfg *config.MDNS) {
	m := &a.multicast
	m.announcer.end()
	if !a.opts.Zeroconf || m.place.port == 0 {
		return
	}
	id := a.exporterID()
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	host, _, _ = strings.Cut(host, ".")
	m.announcer = begin(m.base, &zeroconf.Announcer{
		Network: zeroconf.Multicast{}, Name: announcedName(host, id), Services: a.announced(id),
		Interfaces: interfacesOf(cfg), Address: m.place.address, Log: a.log,
	})
}

// announcedName is what people see. It is cut where it has to be: in the host's name.
func announcedName(host, id string) string {
	const most = 63
	suffix := " (" + id[:4] + ")"
	name := "health_exporter on " + host
	return strings.ToValidUTF8(name[:min(len(name), most-len(suffix)-len(" (99)"))], "") + suffix
}

func (a *App) announced(id string) []zeroconf.Service {
	scheme := "http"
	if a.multicast.place.https {
		scheme = "https"
	}
	common := []string{"scheme=" + scheme, "id=" + id}
	if version := a.opts.Version; version != "" && len(version) < 64 {
		common = append(common, "version="+version)
	}
	text := func(first ...string) []string { return append(append([]string{"txtvers=1"}, first...), common...) }
	port := a.multicast.place.port
	return []zeroconf.Service{
		{Type: zeroconf.HealthExporter, Port: port, Text: text("path=/health", "register=/api/v1/targets")},
		{Type: zeroconf.Prometheus, Port: port, Text: text("path=/metrics")},
	}
}

// idFile keeps what makes our name different from those of others.
const idFile = "zeroconf.id"

var validID = regexp.MustCompile(`^[0-9a-f]{16}$`)

// exporterID is random, and the same after a restart if there is a storage directory.
func (a *App) exporterID() string {
	file := filepath.Join(a.opts.StoragePath, idFile)
	if a.opts.StoragePath != "" {
		if text, err := os.ReadFile(file); err == nil && validID.MatchString(strings.TrimSpace(string(text))) {
			return strings.TrimSpace(string(text))
		}
	}
	var random [8]byte
	rand.Read(random[:]) // never fails
	id := hex.EncodeToString(random[:])
	if a.opts.StoragePath != "" {
		if err := os.WriteFile(file, []byte(id+"\n"), 0o600); err != nil {
			a.log.Warn("the name on the network will be another one after a restart", "err", err)
		}
	}
	return id
}

// restartBrowser begins anew, with what is known already; mu is held.
func (a *App) restartBrowser(cfg *config.Config) {
	m := &a.multicast
	var known []zeroconf.Entry
	if m.browser.on {
		known = m.browser.it.Entries()
	}
	m.browser.end()
	m.now, m.network = cfg.Discovery.MDNS, cfg.Network
	if m.now == nil {
		a.registry.Replace(zeroconf.Source, nil)
		return
	}
	m.browser = begin(m.base, &zeroconf.Browser{
		Network: zeroconf.Multicast{}, Services: m.now.Services, Interfaces: m.now.Interfaces, MaxTargets: m.now.MaxTargets,
		Known: known, OwnPort: m.place.port, Log: a.log,
		Changed: func(targets []prober.Target) { a.registry.Replace(zeroconf.Source, targets) },
		Policy: zeroconf.Policy{
			Networks: m.now.Networks, Modules: m.now.Modules, KindOf: cfg.KindOf, Network: cfg.Network,
			Interval: m.now.Interval, Timeout: m.now.Timeout, Group: m.now.Group, Labels: m.now.Labels,
		},
	})
}

// reachable finds the first listener that others can reach.
func reachable(listeners []net.Listener) (l listening) {
	for _, each := range listeners {
		tcp, ok := each.Addr().(*net.TCPAddr)
		if !ok {
			continue
		}
		addr, ok := netip.AddrFromSlice(tcp.IP)
		switch addr = addr.Unmap(); {
		case !ok || addr.IsUnspecified():
			return listening{port: tcp.Port}
		case !addr.IsLoopback() && l.port == 0:
			l = listening{port: tcp.Port, address: addr}
		}
	}
	return l
}

// usesTLS tells whether the web configuration has the listeners speak it.
func usesTLS(file *string) bool {
	if file == nil || *file == "" {
		return false
	}
	text, err := os.ReadFile(*file)
	if err != nil {
		return false // serving will say so
	}
	var web struct {
		TLS map[string]any `yaml:"tls_server_config"`
	}
	return yaml.Unmarshal(text, &web) == nil && len(web.TLS) > 0
}

func (a *App) zeroconfStats() (s collector.ZeroconfStats) {
	m := &a.multicast
	m.mu.Lock()
	announcer, browser := m.announcer, m.browser
	m.mu.Unlock()
	if s.Announcing = announcer.on; announcer.on {
		stats := announcer.it.Stats()
		s.Announced, s.Visible, s.Interfaces = stats.Up, stats.Visible, stats.Interfaces
		s.Renamed, s.AnnounceErrors = stats.Renamed, stats.Errors
	}
	if s.Browsing = browser.on; browser.on {
		stats := browser.it.Stats()
		s.BrowseUp, s.BrowseErrors = stats.Up, stats.Errors
		s.Targets, s.Events, s.Dropped = stats.Targets, stats.Events, stats.Dropped
	}
	return s
}

// moduleForFound finds the module of a target that was found on the network. Those
// that the operator has not named for this purpose are the built-in ones: what he has
// put into his own, such as passwords, is not for strangers.
func moduleForFound(cfg *config.Config, name string) *prober.Module {
	m := cfg.Discovery.MDNS
	switch {
	case m == nil:
		return nil // it is about to go
	case slices.Contains(m.Modules, name):
		return cfg.Modules[name]
	}
	return m.Builtin[name]
}

// networkForFound lets a target that was found be probed at its address and nowhere
// else, wherever it redirects to.
func networkForFound(cfg *config.Config, t *prober.Target) *prober.NetworkPolicy {
	policy := &prober.NetworkPolicy{Deny: cfg.Network.Deny}
	host := t.Address
	if u, err := url.Parse(t.URL); err == nil && t.URL != "" {
		host = u.Host
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		at, err := netip.ParseAddrPort(host)
		if err != nil {
			return &prober.NetworkPolicy{Deny: []prober.NetworkRule{{}}} // everything
		}
		addr = at.Addr()
	}
	policy.Allow = []prober.NetworkRule{{Prefix: netip.PrefixFrom(addr, addr.BitLen())}}
	return policy
}
