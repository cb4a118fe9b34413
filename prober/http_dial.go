package prober

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
)

// transport is what takes the request of one hop there, and through what.
func (r *httpRun) transport(req *http.Request, hop *httpHop, tries *tries) (*http.Transport, error) {
	t := newTransport(nil, &r.Client.ProxyConfig, r.Client.EnableHTTP2)
	proxy, err := r.proxyOf(hop.url)
	if err != nil {
		return nil, because(ReasonInternal, fmt.Errorf("choosing a proxy: %w", err))
	}
	if t.TLSClientConfig, err = r.tlsConfig(hop.url); err != nil {
		return nil, err
	}
	if proxy == nil {
		t.DialContext = tries.counted(func(ctx context.Context, _, _ string) (net.Conn, error) { return r.dial(ctx, hop.url) })
		return t, nil
	}
	address, err := r.proxied(proxy).decide(req.Context(), hop.url, r.pinnedTo(hop.url))
	if err != nil {
		return nil, err
	}
	if address != withPort(hop.url) {
		pinned := *hop.url
		pinned.Host = address
		req.URL = &pinned
	}
	throughProxy(t, proxy, &r.Client.ProxyConfig, r.dialer)
	t.DialContext = tries.counted(t.DialContext)
	return t, nil
}

// dial connects to the target, or directly to where a redirect leads.
func (r *httpRun) dial(ctx context.Context, u *url.URL) (net.Conn, error) {
	if addr := r.pinnedTo(u); addr.IsValid() {
		// The address was found for the target's name: rules about the name hold.
		at := netip.AddrPortFrom(addr, portOf(u))
		if err := r.req.Network.Check(at, u.Hostname()); err != nil {
			return nil, err
		}
		return r.dialer.dialChecked(ctx, "tcp", at)
	}
	return r.Outbound.reach(ctx, r.dialer, r.req.Network, u.Hostname(), portOf(u))
}

// atHome reports whether a URL leads to the host and port of the target.
func (r *httpRun) atHome(u *url.URL) bool { return withPort(u) == withPort(r.first) }

// pinnedTo is the address that was chosen, if a URL is to be reached there: that of
// the target itself, and redirects to the same host and port.
func (r *httpRun) pinnedTo(u *url.URL) netip.Addr {
	if r.atHome(u) {
		return r.addr
	}
	return netip.Addr{}
}

// tlsConfig is for a connection to where a URL leads. The options' server name
// is for the target; a redirect to elsewhere is verified by its own name, and is not
// shown who we are.
func (r *httpRun) tlsConfig(u *url.URL) (*tls.Config, error) {
	name := plainHost(u.Hostname())
	if r.atHome(u) {
		name = nameOf(r.hostname, r.first)
	}
	config, err := r.certificates.config(name)
	if err == nil && !r.atHome(u) {
		config.ServerName = name
	}
	if err == nil && r.left {
		withoutOwnCertificate(config)
	}
	return config, err
}

// proxyOf is the proxy for a URL; nil if there is none. That something is not to go
// through it may be said of its name, and of its address.
func (r *httpRun) proxyOf(u *url.URL) (*url.URL, error) {
	if r.proxy == nil {
		return nil, nil
	}
	if addr := r.pinnedTo(u); addr.IsValid() {
		pinned := *u
		pinned.Host = atAddress(addr, u.Port())
		if proxy, err := r.proxy(&http.Request{URL: &pinned}); err != nil || proxy == nil {
			return nil, err
		}
	}
	return r.proxy(&http.Request{URL: u})
}

func atAddress(addr netip.Addr, port string) string {
	host := bracketed(addr.String())
	if port == "" {
		return host
	}
	return host + ":" + port
}

func (r *httpRun) proxied(proxy *url.URL) *proxied {
	return &proxied{
		dialer: r.dialer, policy: r.req.Network, proxy: proxy, byName: r.SkipResolvePhaseWithProxy,
		find: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return r.Outbound.candidates(ctx, r.dialer, host)
		},
	}
}
