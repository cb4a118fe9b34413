package prober

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/common/config"
	"golang.org/x/net/http/httpguts"

	"github.com/health-exporter/health_exporter/health"
)

// healthProbe asks a service for its health: GET on the target's URL with
// /health appended. The status code decides; a body in JSON can only make the
// outcome worse.
type healthProbe struct {
	// ValidStatusCodes are the codes of a healthy service; default 200.
	ValidStatusCodes StatusCodes `yaml:"valid_status_codes"`
	// IgnoreBody lets the status code alone decide.
	IgnoreBody bool `yaml:"ignore_body"`
	// KeepAlive keeps connections from one probe to the next. It saves most of
	// the cost, but no longer tests that a connection can be made.
	KeepAlive bool `yaml:"keep_alive"`
	// Client are Prometheus' common options: tls_config, basic_auth, proxy_url …
	// Kind health speaks HTTP/1.1, whatever enable_http2 says.
	Client    config.HTTPClientConfig `yaml:",inline"`
	LegacyTLS `yaml:",inline"`

	agent string
	creds *credentials
	conns *httpConns
	proxy func(*http.Request) (*url.URL, error)
}

func newHealthProbe() spec {
	return &healthProbe{
		ValidStatusCodes: StatusCodes{{200, 200}},
		Client:           config.DefaultHTTPClientConfig,
	}
}

func (p *healthProbe) validate() error {
	if faults := validateClient(&p.Client); len(faults) > 0 {
		return errors.Join(faults...)
	}
	if len(p.ValidStatusCodes) == 0 {
		p.ValidStatusCodes = StatusCodes{{200, 200}}
	}
	p.agent = userAgent()
	d := newDialer()
	p.creds = newCredentials(&p.Client).withOAuth2(p.Client.OAuth2, d)
	p.conns = newHTTPConns(d, newTLSSource(p.Client.TLSConfig, p.TLSLegacy), p.KeepAlive)
	p.proxy = proxyFor(&p.Client.ProxyConfig)
	return nil
}

// probe follows redirects on the same host and judges the last answer.
func (p *healthProbe) probe(ctx context.Context, req Request) Result {
	limit := timeLimit(ctx)
	u, err := parseHTTPTarget(req.Target)
	if err != nil {
		return failed(ctx, limit, err)
	}
	u = healthURL(u)
	host := req.Hostname
	for redirects := 0; ; redirects++ {
		req.Debug("asking", "url", u.Redacted(), "host", host)
		answer, err := p.get(ctx, u, host, req.Network)
		if err != nil {
			res := failed(ctx, limit, err)
			res.StatusCode = answer.code
			if res.CertExpiry.IsZero() {
				res.CertExpiry = answer.expiry
			}
			return res
		}
		if req.Log != nil {
			req.Debug("answered", "status_code", answer.code, "content_type", answer.header.Get("Content-Type"), "bytes", len(answer.body))
		}
		to, relative, err := p.redirection(&answer, u)
		if err == nil && to != nil && redirects == maxRedirects {
			err = fmt.Errorf("more than %d redirects", maxRedirects)
		}
		if err != nil {
			answer.done()
			return Result{
				Outcome: health.Fail, Reason: ReasonRedirect, Phase: PhaseCheck, Error: oneLine(err.Error()),
				StatusCode: answer.code, CertExpiry: answer.expiry,
			}
		}
		if to == nil {
			res := p.judge(&answer, req.StatusCodes)
			answer.done()
			return res
		}
		req.Debug("following redirect", "status_code", answer.code, "to", to.Redacted())
		answer.done()
		if u = to; !relative {
			host = ""
		}
	}
}

// healthURL is the URL with /health appended. What else is in its path stays as it
// is, but for . and ..: to some servers // is not /.
func healthURL(u *url.URL) *url.URL {
	to := *u
	to.RawPath = strings.TrimRight(u.EscapedPath(), "/") + "/health"
	to.Path, _ = url.PathUnescape(to.RawPath) // which was escaped a moment ago
	if strings.Contains(to.Path, "/.") {
		return to.ResolveReference(&url.URL{Path: to.Path, RawPath: to.RawPath, RawQuery: to.RawQuery})
	}
	return &to
}

// redirection is where to ask next, if anywhere. Another host, and http after
// https, are no places to go: who answers there is not whom we asked about.
func (p *healthProbe) redirection(answer *httpAnswer, from *url.URL) (to *url.URL, relative bool, err error) {
	if !p.Client.FollowRedirects {
		return nil, false, nil
	}
	to, relative, err = redirection(answer.code, answer.header, from)
	switch {
	case err != nil || to == nil:
		return nil, false, err
	case to.Scheme != "http" && to.Scheme != "https":
		return nil, false, fmt.Errorf("redirect to scheme %q", to.Scheme)
	case !sameHost(to, from):
		return nil, false, fmt.Errorf("redirect to another host: %s", to.Hostname())
	case from.Scheme == "https" && to.Scheme == "http":
		return nil, false, errors.New("redirect from https to http")
	}
	if to.User == nil {
		to.User = from.User
	}
	return to, relative, nil
}

// get asks once.
func (p *healthProbe) get(ctx context.Context, u *url.URL, host string, policy *NetworkPolicy) (httpAnswer, error) {
	if host == "" {
		host = u.Host
	}
	limit := health.MaxReportSize
	if p.IgnoreBody {
		limit = -1
	}
	if p.proxy != nil {
		if proxy, err := p.proxy(&http.Request{URL: u}); err != nil || proxy != nil {
			return p.getViaProxy(ctx, u, host, policy, limit)
		}
	}
	header, err := p.header(ctx, u)
	if err != nil {
		return httpAnswer{}, during(PhaseRequest, err)
	}
	return p.conns.get(ctx, getRequest{url: u, host: host, header: header, bodyLimit: limit, policy: policy})
}

const acceptHealth = health.MediaType + ", application/json;q=0.9, */*;q=0.1"

// header is the request's header after Host, as it goes over the wire.
func (p *healthProbe) header(ctx context.Context, u *url.URL) (string, error) {
	authorization, err := p.creds.authorization(ctx, u)
	if err != nil {
		return "", err
	}
	if !httpguts.ValidHeaderFieldValue(authorization) {
		return "", because(ReasonInternal, errors.New("credentials have a line break or control character"))
	}
	var b strings.Builder
	b.Grow(256)
	b.WriteString("User-Agent: ")
	b.WriteString(p.agent)
	b.WriteString("\r\nAccept: " + acceptHealth + "\r\nCache-Control: no-cache\r\n")
	if !p.KeepAlive {
		b.WriteString("Connection: close\r\n")
	}
	if authorization != "" {
		b.WriteString("Authorization: ")
		b.WriteString(authorization)
		b.WriteString("\r\n")
	}
	if p.Client.HTTPHeaders != nil {
		more := http.Header{}
		if err := addHeaders(more, p.Client.HTTPHeaders); err != nil {
			return "", err
		}
		_ = more.Write(&b)
	}
	return b.String(), nil
}

// getViaProxy asks through the module's proxy, always on a new connection.
func (p *healthProbe) getViaProxy(ctx context.Context, u *url.URL, host string, policy *NetworkPolicy, limit int) (httpAnswer, error) {
	if err := policy.checkUnseen(u.Hostname(), portOf(u)); err != nil {
		return httpAnswer{}, during(PhaseConnect, err)
	}
	trace := &httpTrace{}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace.hooks()), http.MethodGet, "", nil)
	if err != nil {
		return httpAnswer{}, during(PhaseRequest, err)
	}
	authorization, err := p.creds.authorization(ctx, u)
	if err != nil {
		return httpAnswer{}, during(PhaseRequest, err)
	}
	req.URL, req.Host = u, host
	req.Header = http.Header{
		"User-Agent": {p.agent}, "Accept": {acceptHealth}, "Cache-Control": {"no-cache"},
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	if err := addHeaders(req.Header, p.Client.HTTPHeaders); err != nil {
		return httpAnswer{}, during(PhaseRequest, err)
	}
	t := newTransport(p.proxy, &p.Client.ProxyConfig, false)
	t.DialContext = viaProxy(p.conns.dialer)
	if t.TLSClientConfig, err = p.conns.tls.config(nameOf(host, u)); err != nil {
		return httpAnswer{}, during(PhaseRequest, err)
	}
	defer t.CloseIdleConnections()
	resp, err := t.RoundTrip(req)
	if err != nil {
		return httpAnswer{}, &phaseError{trace.phase(err), err}
	}
	defer resp.Body.Close()
	answer := httpAnswer{code: resp.StatusCode, header: resp.Header, done: func() {}}
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

// judge makes a result of an answer: the code first, then the body, which may
// only make it worse.
func (p *healthProbe) judge(answer *httpAnswer, codes StatusCodes) Result {
	res := Result{Outcome: health.Pass, StatusCode: answer.code, CertExpiry: answer.expiry}
	if len(codes) == 0 {
		codes = p.ValidStatusCodes
	}
	if !p.IgnoreBody && !answer.cut {
		res.readBody(answer.header.Get("Content-Type"), answer.body)
	}
	says := ""
	if res.Report != nil {
		says = res.Report.Output
	}
	switch {
	case !codes.Contain(answer.code):
		res.Outcome, res.Reason, res.Phase = health.Fail, ReasonStatus, PhaseCheck
		res.Error = withDetail(wrongStatus(answer.code, codes), says)
	case res.Report == nil:
	case res.Report.Status == health.Fail:
		res.Outcome, res.Reason, res.Phase = health.Fail, ReasonBody, PhaseCheck
		res.Error = withDetail("the target says it fails", says)
	case res.Report.Status == health.Warn:
		res.Outcome = health.Warn
		res.Error = withDetail("the target warns", says)
	}
	return res
}

func withDetail(text, detail string) string {
	if detail == "" {
		return text
	}
	return text + ": " + oneLine(detail)
}

// readBody keeps the body if it is JSON, and reads it as a report if its type
// says that it may be one.
func (r *Result) readBody(contentType string, body []byte) {
	isJSON, isReport := jsonType(contentType)
	if word, ok := health.ParseWord(body); ok && !isJSON {
		r.Report = &health.Report{Status: word}
		return
	}
	if valid := looksLikeJSON(body, isJSON) && json.Valid(body); valid {
		r.Response = slices.Clone(body)
	} else if !isReport {
		return
	}
	if !isJSON {
		return
	}
	report, err := health.ParseReport(body)
	switch {
	case err != nil:
		r.BodyError = isReport
	case isReport || report.Status != health.Reset:
		r.Report = report
	}
}

// looksLikeJSON spares most bodies the parser. Without a type that says so only
// objects and arrays are taken for JSON: "1" and "null" are more likely text.
func looksLikeJSON(body []byte, typed bool) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) == 0 {
		return false
	}
	return typed || body[0] == '{' || body[0] == '['
}

// jsonType reads a media type: is it JSON, and is it health+json?
func jsonType(contentType string) (isJSON, isReport bool) {
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.TrimSpace(mediaType)
	isReport = strings.EqualFold(mediaType, health.MediaType)
	isJSON = isReport || strings.EqualFold(mediaType, "application/json") ||
		len(mediaType) > 5 && strings.EqualFold(mediaType[len(mediaType)-5:], "+json")
	return isJSON, isReport
}
