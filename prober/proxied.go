package prober

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/prometheus/common/config"
)

// proxied decides what a proxy may be asked to connect to for us. The policy cannot
// see what the proxy does, so it is asked before, about the addresses that we find
// ourselves.
type proxied struct {
	dialer *dialer
	policy *NetworkPolicy
	proxy  *url.URL
	// byName leaves it to the proxy to find the address.
	byName bool
	// unknownToo lets the proxy be asked for names that only it knows.
	unknownToo bool
	// find lists the addresses to choose from, best first.
	find func(ctx context.Context, host string) ([]netip.Addr, error)
}

// decide is what to ask the proxy for: the address that was checked, where the protocol
// permits. Over plain HTTP it does not: a proxy makes the Host header of what it is
// asked for. pinned is the address if it is known already.
func (p *proxied) decide(ctx context.Context, u *url.URL, pinned netip.Addr) (address string, err error) {
	host, port := plainHost(u.Hostname()), portOf(u)
	if literal, err := netip.ParseAddr(host); err == nil {
		return withPort(u), p.policy.Check(netip.AddrPortFrom(literal, port), "")
	}
	if err := p.policy.CheckLiteral(withPort(u)); err != nil {
		return "", err
	}
	if p.byName || u.Scheme == "http" && (p.proxy.Scheme == "http" || p.proxy.Scheme == "https") {
		if err := p.checkTrusting(ctx, host, port); err != nil {
			return "", err
		}
		return withPort(u), p.checkName(ctx, u)
	}
	addrs := []netip.Addr{pinned}
	if !pinned.IsValid() {
		look, cancel := p.patience(ctx)
		addrs, err = p.find(look, lookupName(u.Hostname()))
		cancel()
		switch {
		case err != nil && p.unknownToo && ctx.Err() == nil:
			if err := p.checkTrusting(ctx, host, port); err != nil {
				return "", err
			}
			return withPort(u), p.policy.checkUnseen(host, port)
		case err != nil:
			return "", err
		}
	}
	for _, addr := range addrs {
		at := netip.AddrPortFrom(addr, port)
		if err = p.policy.Check(at, host); err == nil {
			return at.String(), nil
		}
	}
	return "", err
}

// checkName decides on a name that the proxy looks up again: it may take any of its
// addresses, so all have to be allowed. If only the proxy knows the name, it must itself
// be on the list of what is allowed, if there is one.
func (p *proxied) checkName(ctx context.Context, u *url.URL) error {
	host, port := plainHost(u.Hostname()), portOf(u)
	look, cancel := p.patience(ctx)
	defer cancel()
	addrs, err := p.dialer.addresses(look, "ip", lookupName(u.Hostname()))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
	case p.byName || p.unknownToo:
		return p.policy.checkUnseen(host, port)
	default:
		return err
	}
	for _, addr := range addrs {
		if err := p.policy.Check(netip.AddrPortFrom(addr, port), host); err != nil {
			return err
		}
	}
	return nil
}

// patience bounds a look-up that may be in vain: perhaps there is no DNS here at all.
func (p *proxied) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok && (p.byName || p.unknownToo) {
		return context.WithTimeout(ctx, time.Until(deadline)/4)
	}
	return ctx, func() {}
}

// throughProxy makes a transport ask the proxy for whatever it is to connect to.
func throughProxy(t *http.Transport, proxy *url.URL, options *config.ProxyConfig, d *dialer) {
	t.Proxy = http.ProxyURL(proxy)
	t.ProxyConnectHeader = options.GetProxyConnectHeader()
	t.DialContext = viaProxy(d)
}

// withoutOwnCertificate makes a connection that does not say who we are.
func withoutOwnCertificate(c *tls.Config) { c.Certificates, c.GetClientCertificate = nil, nil }
