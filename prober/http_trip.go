package prober

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// roundTrips asks, and asks on where it is redirected to. unfollowed tells that
// the answer is a redirect that we do not follow.
func (r *httpRun) roundTrips(ctx context.Context) (resp *http.Response, unfollowed bool, err error) {
	hop := httpHop{url: r.first, method: r.Method, body: true, host: r.hostname}
	for {
		resp, err := r.roundTrip(ctx, &hop)
		if err != nil {
			return nil, false, err
		}
		to, relative, err := redirection(resp.StatusCode, resp.Header, hop.url)
		if err != nil {
			resp.Body.Close()
			return nil, false, err
		}
		if to == nil {
			return resp, false, nil
		}
		r.redirects++
		resp.Body.Close()
		r.req.debug("received redirect", "status_code", resp.StatusCode, "location", to.Redacted())
		if !r.Client.FollowRedirects || r.redirects > maxRedirects {
			return resp, true, nil
		}
		r.leave(hop.url, to)
		hop = hop.next(resp.StatusCode, to, relative)
	}
}

// leave notes when a redirect leads away from the host that the credentials are
// for, or from encryption. There is no coming back.
func (r *httpRun) leave(from, to *url.URL) {
	home := sameHost(to, r.first) ||
		r.hostname != "" && plainHost(to.Hostname()) == nameOf(r.hostname, r.first)
	if !home || from.Scheme == "https" && to.Scheme != "https" {
		r.left = true
	}
}

// httpHop is one request of a chain of redirects.
type httpHop struct {
	url    *url.URL
	method string
	body   bool
	host   string // the Host header; empty means the URL's own
}

// next is the request after a redirect. 307 and 308 ask for the same again,
// the others for a GET of another place.
func (h httpHop) next(code int, to *url.URL, relative bool) httpHop {
	next := httpHop{url: to, method: h.method, body: h.body}
	if code != http.StatusTemporaryRedirect && code != http.StatusPermanentRedirect {
		next.body = false
		if h.method != http.MethodHead {
			next.method = http.MethodGet
		}
	}
	if relative {
		next.host = h.host
	}
	return next
}

func (r *httpRun) roundTrip(ctx context.Context, hop *httpHop) (*http.Response, error) {
	switch hop.url.Scheme {
	case "http", "https":
	default:
		return nil, because(ReasonRedirect, fmt.Errorf("redirect to scheme %q", hop.url.Scheme))
	}
	trace := &httpTrace{secure: hop.url.Scheme == "https"}
	r.traces = append(r.traces, trace)
	req, err := r.request(httptrace.WithClientTrace(ctx, trace.hooks()), hop)
	if err != nil {
		return nil, err
	}
	transport, err := r.transport(req, hop)
	if err != nil {
		return nil, err
	}
	r.req.debug("making HTTP request", "url", hop.url.Redacted(), "host", req.Host, "method", req.Method)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if r.jar != nil || len(resp.Header["Set-Cookie"]) > 0 {
		if cookies := resp.Cookies(); len(cookies) > 0 {
			if r.jar == nil {
				r.jar, _ = cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
			}
			r.jar.SetCookies(cookieURL(req, hop), cookies)
		}
	}
	return resp, nil
}

// cookieURL is the URL that cookies belong to: with the name that was asked
// for, not the address.
func cookieURL(req *http.Request, hop *httpHop) *url.URL {
	return &url.URL{Scheme: hop.url.Scheme, Host: req.Host, Path: hop.url.Path}
}

// request makes the request of one hop.
func (r *httpRun) request(ctx context.Context, hop *httpHop) (*http.Request, error) {
	var body io.Reader
	switch {
	case !hop.body:
	case r.Body != "":
		body = strings.NewReader(r.Body)
	case r.BodyFile != "":
		file, err := os.Open(r.BodyFile)
		if err != nil {
			return nil, because(ReasonInternal, fmt.Errorf("opening body_file: %w", err))
		}
		body = file // closed by the transport
	}
	req, err := http.NewRequestWithContext(ctx, hop.method, "", body)
	if err != nil {
		closeBody(body)
		return nil, because(ReasonInternal, err)
	}
	req.URL, req.Host = hop.url, hop.url.Host
	if hop.host != "" {
		req.Host = hop.host
	}
	if err := r.setHeader(req, hop); err != nil {
		closeBody(body)
		return nil, err
	}
	if r.isPinned(hop.url) {
		pinned := *hop.url
		pinned.Host = atAddress(r.addr, hop.url.Port())
		req.URL = &pinned
	}
	return req, nil
}

func closeBody(body io.Reader) {
	if c, ok := body.(io.Closer); ok {
		c.Close()
	}
}

// setHeader gives the request what is configured; to another host than the
// target's only what is no secret.
func (r *httpRun) setHeader(req *http.Request, hop *httpHop) error {
	header := make(http.Header, len(r.header)+2)
	maps.Copy(header, r.header)
	if err := addHeaders(header, r.Client.HTTPHeaders); err != nil {
		return err
	}
	if r.left {
		onlyHarmless(header)
	}
	if header.Get("Authorization") == "" && !(r.left && r.creds.configured()) {
		value, err := r.creds.value(hop.url)
		if err != nil {
			return err
		}
		if value != "" {
			header["Authorization"] = []string{value}
		}
	}
	req.Header = header
	if r.jar != nil {
		for _, cookie := range r.jar.Cookies(cookieURL(req, hop)) {
			req.AddCookie(cookie)
		}
	}
	return nil
}

// isPinned tells whether a URL is to be reached at the address that was chosen:
// that of the target itself, and redirects to the same host and port.
func (r *httpRun) isPinned(u *url.URL) bool {
	return r.addr.IsValid() && withPort(u) == withPort(r.first)
}

func atAddress(addr netip.Addr, port string) string {
	host := addr.String()
	if addr.Is6() {
		host = "[" + host + "]"
	}
	if port == "" {
		return host
	}
	return host + ":" + port
}

// transport is what takes the request there. The options' server name is for
// the target; a redirect to elsewhere is verified by its own name.
func (r *httpRun) transport(req *http.Request, hop *httpHop) (*http.Transport, error) {
	home := withPort(hop.url) == withPort(r.first)
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
	slot, name := &r.free, ""
	if home {
		slot, name = &r.pinned, nameOf(r.hostname, r.first)
	}
	if *slot != nil {
		return *slot, nil
	}
	t := newTransport(r.proxy, &r.Client, r.Client.EnableHTTP2)
	t.DialContext = r.dial
	config, err := r.certificates.config(name)
	if err != nil {
		return nil, err
	}
	if !home {
		config.ServerName = ""
	}
	t.TLSClientConfig = config
	*slot = t
	return t, nil
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

// hangUp ends what the probe has opened.
func (r *httpRun) hangUp() {
	if r.resp != nil {
		r.resp.Body.Close()
	}
	for _, t := range []*http.Transport{r.pinned, r.free} {
		if t != nil {
			t.CloseIdleConnections()
		}
	}
}
