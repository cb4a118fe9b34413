package prober

import (
	"context"
	"net"
	"net/netip"
	"strings"
)

const ownHost = "it is what this host offers to itself alone; network.loopback can open it to others"

// checkLoopback keeps others out of this host's loopback, whatever they call it.
func (p *NetworkPolicy) checkLoopback(forms []netip.Addr, host string, at netip.AddrPort) error {
	if !p.foreign {
		return nil
	}
	for _, form := range forms {
		if form.IsLoopback() && !anyRule(p.Loopback, form, host, at.Port()) {
			return &PolicyError{placeText(at), ownHost}
		}
	}
	return nil
}

// checkOwnName keeps others from the names that mean loopback everywhere (RFC 6761), so
// that they are told before anything is looked up.
func (p *NetworkPolicy) checkOwnName(name string, port uint16) error {
	if !p.foreign || name != "localhost" && !strings.HasSuffix(name, ".localhost") {
		return nil
	}
	if port == 0 {
		p = p.withoutPorts()
	}
	for _, addr := range []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), loopback6} {
		if anyRule(p.Loopback, addr, name, port) {
			return nil // which one it is shows when it is connected to
		}
	}
	return &PolicyError{name, ownHost}
}

// CheckSocket reports whether the policy lets us connect to a Unix domain socket. A
// path is not a host: of what a module allows only "*" is about it, too.
func (p *NetworkPolicy) CheckSocket(path string) error {
	switch {
	case p == nil:
		return nil
	case p.foreign:
		return &PolicyError{path, "sockets of this host are not for others"}
	case len(p.only) > 0 && !anyRule(p.only, netip.Addr{}, "", 0):
		return &PolicyError{path, notForModule}
	}
	return nil
}

// checkTrusting decides on a name that a proxy will look up by itself. One that runs
// here would find for others what belongs to this host alone, as soon as the name leads
// there.
func (p *proxied) checkTrusting(ctx context.Context, host string, port uint16) error {
	if p.policy == nil || !p.policy.foreign || namesPlace(p.policy.Loopback, host, port) || !p.proxyIsHere(ctx) {
		return nil
	}
	return &PolicyError{host, "the proxy looks the name up by itself, and may find this host's loopback; network.loopback can open that to others"}
}

// proxyIsHere reports whether the proxy may be on this host.
func (p *proxied) proxyIsHere(ctx context.Context) bool {
	look, cancel := p.patience(ctx)
	defer cancel()
	addrs, err := p.dialer.addresses(look, "ip", lookupName(p.proxy.Hostname()))
	own, errOwn := net.InterfaceAddrs()
	if err != nil || errOwn != nil {
		return true // nothing says that it is not
	}
	for _, addr := range addrs {
		forms, n := formsOf(addr)
		for _, form := range forms[:n] {
			if form.IsLoopback() || form.IsUnspecified() || assigned(own, form) {
				return true
			}
		}
	}
	return false
}

func assigned(own []net.Addr, addr netip.Addr) bool {
	for _, each := range own {
		if network, ok := each.(*net.IPNet); ok {
			if a, ok := netip.AddrFromSlice(network.IP); ok && a.Unmap() == addr {
				return true
			}
		}
	}
	return false
}
