package prober

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/prometheus/common/config"

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
	ask := healthAsk{healthProbe: p, policy: req.Network, url: healthURL(u), host: req.Hostname}
	for redirects := 0; ; redirects++ {
		req.Debug("asking", "url", ask.url.Redacted(), "host", ask.host)
		answer, err := ask.get(ctx)
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
		to, relative, err := p.redirection(&answer, ask.url)
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
		ask.follow(to, relative)
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
	return to, relative, nil
}
