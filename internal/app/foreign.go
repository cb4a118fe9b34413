package app

import (
	"net/netip"
	"net/url"
	"slices"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/prober"
)

// moduleForFound finds the module of a target that was found on the network. Those
// that the operator has not named for this purpose are the built-in ones: what he has
// put into his own, such as passwords, must not reach strangers.
func (r *rules) moduleForFound(name string) *prober.Module {
	m := r.cfg.Discovery.MDNS
	switch {
	case m == nil:
		return nil // it is about to go
	case slices.Contains(m.Modules, name):
		return r.modules[name]
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
