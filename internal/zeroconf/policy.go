package zeroconf

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/internal/dnssd"
	"github.com/health-exporter/health_exporter/prober"
)

// Why a service that was found is not a target.
const (
	ReasonName    = "name"
	ReasonPort    = "port"
	ReasonPath    = "path"
	ReasonNetwork = "network"
	ReasonModule  = "module"
	ReasonCap     = "cap"
)

// Reasons are all of them.
func Reasons() []string {
	return []string{ReasonName, ReasonPort, ReasonPath, ReasonNetwork, ReasonModule, ReasonCap}
}

// PageModule is how services are probed whose TXT record names a page that is not
// called health. It is prober.DefaultModule for all others.
const PageModule = "http_2xx"

// Policy says which services become targets, and what those are like.
type Policy struct {
	// Networks are where targets may be; none means the networks of the interface that
	// the service was heard on.
	Networks []netip.Prefix
	// Modules are those that a TXT record may name, besides the two that are used anyway.
	Modules []string
	// KindOf returns the kind of a module.
	KindOf func(module string) (kind prober.Kind, ok bool)
	// Network is what binds all targets that nobody wrote down.
	Network *prober.NetworkPolicy
	// Interval, Timeout, Group and Labels are given to each target.
	Interval, Timeout time.Duration
	Group             string
	Labels            map[string]string
}

// target makes a target of a service, or says why it is not one. Its name need not be
// unique yet.
func (p *Policy) target(e *Entry) (t prober.Target, reason string) {
	app, ok := appName(e.Instance)
	if !ok {
		return t, ReasonName
	}
	if e.Port > 65535 || e.Port < 1024 && e.Port != 80 && e.Port != 443 {
		return t, ReasonPort
	}
	text := ParseText(e.Text)
	path, ok := pathOf(e.Type, text)
	if !ok {
		return t, ReasonPath
	}
	addr, ok := p.address(e)
	if !ok {
		return t, ReasonNetwork
	}
	none := time.Duration(0)
	t = prober.NewTarget()
	t.App, t.Source, t.Group, t.Labels = app, prober.SourceMDNS, p.Group, p.labels(e.Type, text["id"])
	t.Interval, t.Timeout, t.InitialDelay = p.Interval, p.Timeout, &none
	if !p.place(&t, addr, path, text) || len(t.Validate(prober.FileLimits(), p.KindOf)) > 0 {
		return prober.Target{}, ReasonModule
	}
	return t, ""
}

// pathOf is the page to ask for. A service of no special kind must name one.
func pathOf(service string, text map[string]string) (path string, ok bool) {
	path, given := text["path"]
	if !given {
		switch service {
		case dnssd.HTTP:
			return "", false
		case dnssd.Prometheus:
			return "/metrics", true
		}
		return "/health", true
	}
	return path, validPath(path)
}

// place fills in what to probe, and how. Only an address is ever written down: a name
// might lead anywhere by the time that it is looked up.
func (p *Policy) place(t *prober.Target, addr netip.AddrPort, path string, text map[string]string) bool {
	u := url.URL{Scheme: "http", Host: addr.String()}
	if text["scheme"] == "https" {
		u.Scheme = "https"
	}
	page, query, _ := strings.Cut(path, "?")
	u.RawQuery = query
	below, isHealth := strings.CutSuffix(page, "/health")
	t.Module = PageModule
	if isHealth && query == "" {
		page, t.Module = below, prober.DefaultModule // which appends it
	}
	if name := text["module"]; name != "" {
		if !slices.Contains(p.Modules, name) && name != t.Module {
			return false
		}
		t.Module = name
		if kind, _ := p.KindOf(name); !kind.NeedsURL() && isHealth {
			page, _, _ = strings.Cut(path, "?")
		}
	}
	switch kind, _ := p.KindOf(t.Module); {
	case kind.TakesURL():
		t.URL = u.String() + page
		if query != "" {
			u.RawQuery = ""
			t.URL = u.String() + page + "?" + query
		}
	case kind.HostOnly():
		t.Address = addr.Addr().String()
	default:
		t.Address = addr.String()
	}
	return true
}

func (p *Policy) address(e *Entry) (netip.AddrPort, bool) {
	for _, addr := range e.Addresses {
		at := netip.AddrPortFrom(addr, uint16(e.Port))
		if p.allows(addr, &e.Interface) && p.Network.Check(at, "") == nil {
			return at, true
		}
	}
	return netip.AddrPort{}, false
}

// allows reports whether a target may have the address. Loopback is for tests: it is
// allowed only to what was heard there.
func (p *Policy) allows(addr netip.Addr, on *Interface) bool {
	if addr.IsLoopback() && !on.loopback() {
		return false
	}
	networks := p.Networks
	if len(networks) == 0 {
		networks = on.Prefixes
	}
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// labels are the policy's, the type of service, and its id if that is fit to be shown.
func (p *Policy) labels(service, id string) map[string]string {
	labels := map[string]string{"service": service}
	if id != "" && len(id) <= maxID && printableASCII(id) {
		labels["id"] = id
	}
	maps.Copy(labels, p.Labels)
	return labels
}
