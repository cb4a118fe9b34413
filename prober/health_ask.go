package prober

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/health-exporter/health_exporter/health"
)

// healthAsk is one request of a chain of redirects.
type healthAsk struct {
	*healthProbe
	policy *NetworkPolicy

	url  *url.URL
	host string // the Host header; empty means the URL's own
	away bool   // a redirect has led to another port than that of the target
}

// follow goes on to where a redirect leads. Credentials stay with the host and port
// that they are for.
func (a *healthAsk) follow(to *url.URL, relative bool) {
	if portOf(to) != portOf(a.url) {
		a.away = true
	} else if to.User == nil {
		to.User = a.url.User
	}
	if !relative {
		a.host = ""
	}
	a.url = to
}

func (a *healthAsk) hostHeader() string {
	if a.host == "" {
		return a.url.Host
	}
	return a.host
}

// bodyLimit is how much of an answer to read; negative for nothing.
func (a *healthAsk) bodyLimit() int {
	if a.IgnoreBody {
		return -1
	}
	return health.MaxReportSize
}

// get asks once.
func (a *healthAsk) get(ctx context.Context) (httpAnswer, error) {
	if a.proxy != nil {
		proxy, err := a.proxy(&http.Request{URL: a.url})
		if err != nil {
			return httpAnswer{}, during(PhaseConnect, because(ReasonInternal, err))
		}
		if proxy != nil {
			return a.getThrough(ctx, proxy)
		}
	}
	header, err := a.header(ctx)
	if err != nil {
		return httpAnswer{}, during(PhaseRequest, err)
	}
	return a.conns.get(ctx, getRequest{
		url: a.url, host: a.hostHeader(), header: header, bodyLimit: a.bodyLimit(), policy: a.policy, away: a.away,
	})
}

const acceptHealth = health.MediaType + ", application/json;q=0.9, */*;q=0.1"

// secrets are what tells who we are: the value of the Authorization header, if any, and
// the headers that are configured. Away from home only the harmless ones remain.
func (a *healthAsk) secrets(ctx context.Context) (authorization string, more http.Header, err error) {
	if !a.away || !a.creds.configured() {
		if authorization, err = a.creds.authorization(ctx, a.url); err != nil {
			return "", nil, err
		}
	}
	if !httpguts.ValidHeaderFieldValue(authorization) {
		return "", nil, because(ReasonInternal, errors.New("credentials have a line break or control character"))
	}
	if a.Client.HTTPHeaders == nil {
		return authorization, nil, nil
	}
	more = http.Header{}
	if err := addHeaders(more, a.Client.HTTPHeaders); err != nil {
		return "", nil, err
	}
	if a.away {
		onlyHarmless(more)
	}
	return authorization, more, nil
}

// header is the request's header after Host, as it goes over the wire.
func (a *healthAsk) header(ctx context.Context) (string, error) {
	authorization, more, err := a.secrets(ctx)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.Grow(256)
	b.WriteString("User-Agent: ")
	b.WriteString(a.agent)
	b.WriteString("\r\nAccept: " + acceptHealth + "\r\nCache-Control: no-cache\r\n")
	if !a.KeepAlive {
		b.WriteString("Connection: close\r\n")
	}
	if authorization != "" {
		b.WriteString("Authorization: ")
		b.WriteString(authorization)
		b.WriteString("\r\n")
	}
	_ = more.Write(&b)
	return b.String(), nil
}

// getThrough asks through the proxy, always on a new connection.
func (a *healthAsk) getThrough(ctx context.Context, proxy *url.URL) (httpAnswer, error) {
	trace := &httpTrace{}
	req, err := a.request(httptrace.WithClientTrace(ctx, trace.hooks()))
	if err != nil {
		return httpAnswer{}, during(PhaseRequest, err)
	}
	rules := proxied{
		dialer: a.conns.dialer, policy: a.policy, proxy: proxy, unknownToo: true,
		find: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return a.conns.dialer.addresses(ctx, "ip", host)
		},
	}
	address, err := rules.decide(ctx, a.url, netip.Addr{})
	if err != nil {
		return httpAnswer{}, during(PhaseConnect, err)
	}
	if address != withPort(a.url) {
		pinned := *a.url
		pinned.Host = address
		req.URL = &pinned
	}
	t := newTransport(nil, &a.Client.ProxyConfig, false)
	throughProxy(t, proxy, &a.Client.ProxyConfig, a.conns.dialer)
	if t.TLSClientConfig, err = a.conns.tls.config(nameOf(a.hostHeader(), a.url)); err != nil {
		return httpAnswer{}, during(PhaseRequest, err)
	}
	if a.away {
		withoutOwnCertificate(t.TLSClientConfig)
	}
	defer t.CloseIdleConnections()
	resp, err := t.RoundTrip(req)
	if err != nil {
		return httpAnswer{}, &phaseError{trace.phase(err), err}
	}
	defer resp.Body.Close()
	return readAnswerOf(resp, a.bodyLimit())
}

// request is the same request for those who do not write it themselves.
func (a *healthAsk) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "", nil)
	if err != nil {
		return nil, err
	}
	authorization, more, err := a.secrets(ctx)
	if err != nil {
		return nil, err
	}
	req.URL, req.Host = a.url, plainHostPort(a.hostHeader())
	req.Header = http.Header{
		"User-Agent": {a.agent}, "Accept": {acceptHealth}, "Cache-Control": {"no-cache"},
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	for name, values := range more {
		req.Header[name] = append(req.Header[name], values...)
	}
	return req, nil
}

// readAnswerOf reads as much of a response as it may.
func readAnswerOf(resp *http.Response, limit int) (answer httpAnswer, err error) {
	answer = httpAnswer{code: resp.StatusCode, header: resp.Header, done: func() {}}
	if resp.TLS != nil {
		answer.expiry = expiryOf(resp.TLS)
	}
	if limit >= 0 {
		var whole bool
		answer.body, whole, err = readUpTo(nil, resp.Body, limit)
		answer.cut = !whole
	}
	if err != nil {
		err = during(PhaseTransfer, err)
	}
	return answer, err
}
