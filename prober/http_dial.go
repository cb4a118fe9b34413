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

// transport is what takes the request there.
func (r *httpRun) transport(req *http.Request, hop *httpHop) (*http.Transport, error) {
	if r.proxy != nil {
		proxy, err := r.proxy(req)
		if err != nil {
			return nil, because(ReasonInternal, fmt.Errorf("choosing a proxy: %w", err))
		}
		if proxy != nil {
			if err := r.checkProxied(req.URL, hop.url); err != nil {
				return nil, err
			}
		}
	}
	slot := &r.free
	if r.atHome(hop.url) {
		slot = &r.pinned
	}
	if *slot != nil {
		return *slot, nil
	}
	t := newTransport(r.proxy, &r.Client.ProxyConfig, r.Client.EnableHTTP2)
	t.DialContext = r.dial
	var err error
	if t.TLSClientConfig, err = r.tlsConfig(hop.url); err != nil {
		return nil, err
	}
	*slot = t
	return t, nil
}

// atHome tells whether a URL leads to the host and port of the target.
func (r *httpRun) atHome(u *url.URL) bool { return withPort(u) == withPort(r.first) }

// tlsConfig is for a connection to where a URL leads. The options' server name
// is for the target; a redirect to elsewhere is verified by its own name.
func (r *httpRun) tlsConfig(u *url.URL) (*tls.Config, error) {
	if r.atHome(u) {
		return r.certificates.config(nameOf(r.hostname, r.first))
	}
	config, err := r.certificates.config("")
	if err == nil {
		config.ServerName = "" // whoever connects knows the name
	}
	return config, err
}

// checkProxied asks the policy about what a proxy will connect to for us.
func (r *httpRun) checkProxied(asked, named *url.URL) error {
	if addr, err := netip.ParseAddr(asked.Hostname()); err == nil {
		return r.req.Network.Check(netip.AddrPortFrom(addr, portOf(asked)), named.Hostname())
	}
	return r.req.Network.checkUnseen(asked.Hostname(), portOf(asked))
}

// dial connects to the target, to where a redirect leads, or to a proxy.
func (r *httpRun) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if r.proxy != nil && r.isProxy(address) {
		return r.dialer.dial(ctx, nil, network, address)
	}
	if r.addr.IsValid() {
		if at, err := netip.ParseAddrPort(address); err == nil && at.Addr() == r.addr {
			// The address was found for the target's name: rules about the name hold.
			if err := r.req.Network.Check(at, r.first.Hostname()); err != nil {
				return nil, err
			}
			return r.dialer.dialChecked(ctx, network, at)
		}
	}
	return r.dialer.dial(ctx, r.req.Network, network, address)
}

// isProxy tells whether an address is that of the proxy for some scheme.
func (r *httpRun) isProxy(address string) bool {
	for _, scheme := range []string{"http", "https"} {
		proxy, err := r.proxy(&http.Request{URL: &url.URL{Scheme: scheme, Host: r.first.Host}})
		if err == nil && proxy != nil && proxyAddress(proxy) == address {
			return true
		}
	}
	return false
}

func proxyAddress(proxy *url.URL) string {
	port := proxy.Port()
	if port == "" {
		switch proxy.Scheme {
		case "https":
			port = "443"
		case "socks5", "socks5h":
			port = "1080"
		default:
			port = "80"
		}
	}
	return net.JoinHostPort(plainHost(proxy.Hostname()), port)
}
