package prober

import (
	"context"
	"encoding/json"
	"errors"
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
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"golang.org/x/net/publicsuffix"
)

// httpRun is one probe of kind http.
type httpRun struct {
	*httpProbe
	req   Request
	limit time.Duration

	// where to
	first    *url.URL // the target
	hostname string   // the Host header if it is not the target's own
	addr     netip.Addr
	lookup   time.Duration
	looked   bool // an address was looked for
	asked    bool // a request was begun

	// the way there
	pinned, free *http.Transport // to the address chosen; to wherever a redirect leads
	jar          *cookiejar.Jar
	traces       []*httpTrace
	redirects    int
	left         bool // a redirect has led away from the target's host

	// what came back
	resp         *http.Response
	bodyBytes    int64
	regexFailed  bool
	lastModified time.Time

	result Result
}

// probe makes the request, follows redirects and holds the last answer against
// the conditions.
func (p *httpProbe) probe(ctx context.Context, req Request) Result {
	run := &httpRun{httpProbe: p, req: req, limit: timeLimit(ctx)}
	run.result.Outcome = health.Pass
	run.do(ctx)
	if req.Samples {
		run.result.Samples = run.samples()
	}
	return run.result
}

func (r *httpRun) do(ctx context.Context) {
	if err := r.locate(ctx); err != nil {
		r.fail(ctx, err)
		return
	}
	defer r.hangUp()
	r.asked = true
	resp, unfollowed, err := r.roundTrips(ctx)
	if err != nil {
		r.fail(ctx, err)
		return
	}
	r.resp = resp
	r.result.StatusCode = resp.StatusCode
	r.evaluate(ctx, unfollowed)
}

// fail notes the first thing that went wrong; what follows from it is only logged.
func (r *httpRun) fail(ctx context.Context, err error) {
	res := failed(ctx, r.limit, err)
	if n := len(r.traces); n > 0 && res.Reason == ReasonConnect && r.traces[n-1].inHandshake() {
		res = failed(ctx, r.limit, because(ReasonTLS, err))
	}
	r.req.debug("probe failed", "reason", string(res.Reason), "err", res.Error)
	if r.result.Outcome == health.Fail {
		return
	}
	res.StatusCode, res.Response = r.result.StatusCode, r.result.Response
	if res.CertExpiry.IsZero() {
		res.CertExpiry = r.result.CertExpiry
	}
	r.result = res
}

// locate reads the target and chooses the address to connect to.
func (r *httpRun) locate(ctx context.Context) error {
	u, err := parseHTTPTarget(r.req.Target)
	if err != nil {
		return err
	}
	r.first = u
	r.hostname = r.host
	if r.req.Hostname != "" {
		r.hostname = r.req.Hostname
	}
	if r.proxy != nil && r.SkipResolvePhaseWithProxy {
		return r.req.Network.CheckLiteral(withPort(u))
	}
	r.req.debug("resolving target address", "host", u.Hostname(), "preferred", r.PreferredIPProtocol)
	r.looked = true
	if err := r.req.Network.CheckLiteral(withPort(u)); err != nil {
		return err
	}
	begin := time.Now()
	r.addr, err = r.dialer.lookup(ctx, plainHost(u.Hostname()), r.PreferredIPProtocol, r.IPProtocolFallback)
	r.lookup = time.Since(begin)
	if err != nil {
		return err
	}
	r.req.debug("resolved target address", "host", u.Hostname(), "ip", r.addr)
	return nil
}

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

// evaluate holds the answer against the conditions, in the order that decides
// which metric shows the failure.
func (r *httpRun) evaluate(ctx context.Context, unfollowed bool) {
	resp := r.resp
	r.req.debug("received HTTP response", "status_code", resp.StatusCode, "proto", resp.Proto)
	if resp.TLS != nil {
		r.result.CertExpiry = earliestExpiry(resp.TLS.PeerCertificates)
	}
	r.checkStatus(ctx)
	if r.ok() {
		if err := r.matchHeaders(resp.Header); err != nil {
			r.regexFailed = true
			r.fail(ctx, because(ReasonBody, err))
		}
	}
	r.readBody(ctx, unfollowed)
	r.traces[len(r.traces)-1].mark(&r.traces[len(r.traces)-1].end)
	if t, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		r.lastModified = t
	}
	if len(r.ValidHTTPVersions) > 0 && !slices.Contains(r.ValidHTTPVersions, resp.Proto) {
		r.fail(ctx, because(ReasonBody, fmt.Errorf("answer in %s, want %s", resp.Proto, strings.Join(r.ValidHTTPVersions, " or "))))
	}
	switch {
	case resp.TLS != nil && r.FailIfSSL:
		r.fail(ctx, because(ReasonTLS, errors.New("answer came over TLS")))
	case resp.TLS == nil && r.FailIfNotSSL:
		r.fail(ctx, because(ReasonTLS, errors.New("answer did not come over TLS")))
	}
}

func (r *httpRun) ok() bool { return r.result.Outcome != health.Fail }

func (r *httpRun) checkStatus(ctx context.Context) {
	codes := r.ValidStatusCodes
	if len(r.req.StatusCodes) > 0 {
		codes = r.req.StatusCodes
	}
	if len(codes) == 0 {
		codes = StatusCodes{{200, 299}}
	}
	if codes.Contain(r.resp.StatusCode) {
		return
	}
	if r.redirects > maxRedirects {
		r.fail(ctx, because(ReasonRedirect, fmt.Errorf("more than %d redirects", maxRedirects)))
		return
	}
	r.fail(ctx, because(ReasonStatus, errors.New(wrongStatus(r.resp.StatusCode, codes))))
}

// readBody decompresses, limits, matches and counts the body.
func (r *httpRun) readBody(ctx context.Context, unfollowed bool) {
	var body io.Reader = r.resp.Body
	if unfollowed {
		body = closedBody{}
	}
	if r.Compression != "" {
		decoded, err := decompress(r.Compression, body)
		if err != nil {
			r.fail(ctx, because(ReasonBody, fmt.Errorf("decompressing the body: %w", err)))
		} else {
			body = decoded
		}
	}
	scheduled := !r.req.Samples
	switch {
	case r.BodySizeLimit > 0:
		body = &bounded{from: body, left: int64(r.BodySizeLimit), limit: r.BodySizeLimit}
	case scheduled:
		body = io.LimitReader(body, maxMatchedBody)
	}
	count := &tally{from: body}
	if isJSON, _ := jsonType(r.resp.Header.Get("Content-Type")); isJSON {
		count.keep = health.MaxReportSize + 1
	}
	if r.ok() && r.matchesBody() {
		text, err := readForMatch(count)
		if err == nil {
			err = r.matchBody(text)
			if err != nil {
				err = because(ReasonBody, err)
			}
		}
		if r.regexFailed = err != nil; err != nil {
			r.fail(ctx, r.bodyError(err))
		}
	}
	if !unfollowed {
		if _, err := io.Copy(io.Discard, count); err != nil {
			r.fail(ctx, r.bodyError(err))
		}
	}
	r.bodyBytes = count.n
	if count.keep > 0 && len(count.kept) < count.keep && json.Valid(count.kept) {
		r.result.Response = slices.Clone(count.kept)
	}
}

// bodyError gives an error of reading the body its reason: that of the
// connection, or else the body is not what it is said to be.
func (r *httpRun) bodyError(err error) error {
	var known *reasonError
	if errors.As(err, &known) || isTimeout(err) || isNet(err) || errors.Is(err, context.Canceled) {
		return err
	}
	if r.Compression == "" && errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return because(ReasonBody, fmt.Errorf("reading the body: %w", err))
}

// samples are the metrics of this probe.
func (r *httpRun) samples() []Sample {
	resp := r.resp
	if resp == nil {
		resp = &http.Response{}
	}
	version, _ := strconv.ParseFloat(strings.TrimPrefix(resp.Proto, "HTTP/"), 64)
	s := make([]Sample, 0, 24)
	if r.looked {
		s = addressSamples(s, r.addr, r.lookup)
	}
	s = append(s,
		gauge("probe_http_status_code", "Response HTTP status code", float64(resp.StatusCode)),
		gauge("probe_http_content_length", "Length of http content response", float64(resp.ContentLength)),
		gauge("probe_http_uncompressed_body_length", "Length of uncompressed response body", float64(r.bodyBytes)),
		gauge("probe_http_redirects", "The number of redirects", float64(r.redirects)),
		gauge("probe_http_ssl", "Indicates if SSL was used for the final redirect", boolValue(resp.TLS != nil)),
		gauge("probe_http_version", "Returns the version of HTTP of the probe response", version),
		gauge("probe_failed_due_to_regex", "Indicates if probe failed due to regex", boolValue(r.regexFailed)),
	)
	s = r.phaseSamples(s)
	if !r.lastModified.IsZero() {
		s = append(s, gauge("probe_http_last_modified_timestamp_seconds",
			"Returns the Last-Modified HTTP response header in unixtime", float64(r.lastModified.Unix())))
	}
	if resp.TLS != nil {
		s = tlsSamples(s, resp.TLS, true)
	}
	return s
}

func (r *httpRun) phaseSamples(s []Sample) []Sample {
	phases := phasesOf(r.traces, r.lookup)
	add := func(phase string, d time.Duration) {
		s = append(s, gauge("probe_http_duration_seconds", "Duration of http request by phase, summed over all redirects",
			d.Seconds(), Label{"phase", phase}))
	}
	if r.looked || phases.resolve > 0 {
		add("resolve", phases.resolve)
	}
	if r.asked {
		add("connect", phases.connect)
		add("tls", phases.tls)
		add("processing", phases.processing)
		add("transfer", phases.transfer)
	}
	return s
}
