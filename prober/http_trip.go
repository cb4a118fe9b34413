package prober

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// roundTrips asks, and asks on where it is redirected to. unfollowed reports whether
// the answer is a redirect that we do not follow.
func (r *httpRun) roundTrips(ctx context.Context) (resp *http.Response, unfollowed bool, err error) {
	hop := httpHop{url: r.first, method: r.Method, body: true, host: r.hostname}
	for {
		resp, err := r.roundTrip(ctx, &hop)
		if err != nil {
			return nil, false, err
		}
		r.phase = PhaseCheck
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
		r.req.Debug("received redirect", "status_code", resp.StatusCode, "location", to.Redacted())
		if !r.Client.FollowRedirects || r.redirects > maxRedirects {
			return resp, true, nil
		}
		r.leave(hop.url, to)
		hop = hop.next(resp.StatusCode, to, relative)
	}
}

// leave notes when a redirect leads away from the host and port that the credentials
// are for, or from encryption. There is no coming back.
func (r *httpRun) leave(from, to *url.URL) {
	home := portOf(to) == portOf(r.first) && (sameHost(to, r.first) ||
		r.hostname != "" && plainHost(to.Hostname()) == nameOf(r.hostname, r.first))
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
	r.phase = PhaseRequest
	trace := &httpTrace{secure: hop.url.Scheme == "https"}
	r.traces = append(r.traces, trace)
	req, resp, err := r.take(ctx, hop, trace)
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
func (r *httpRun) request(ctx context.Context, hop *httpHop, trace *httpTrace) (*http.Request, error) {
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
	traced := httptrace.WithClientTrace(ctx, trace.hooks())
	req, err := http.NewRequestWithContext(traced, hop.method, "", body)
	if err != nil {
		closeBody(body)
		return nil, because(ReasonInternal, err)
	}
	if body != nil && r.BodyFile != "" {
		req.GetBody = func() (io.ReadCloser, error) { return os.Open(r.BodyFile) }
	}
	r.asked = true
	req.URL, req.Host = hop.url, hop.url.Host
	if hop.host != "" {
		req.Host = plainHostPort(hop.host)
	}
	if err := r.setHeader(ctx, req, hop); err != nil {
		closeBody(body)
		return nil, err
	}
	return req, nil
}

func closeBody(body io.Reader) {
	if c, ok := body.(io.Closer); ok {
		c.Close()
	}
}

// aboutBody are the headers that go with a body, and go away with it.
var aboutBody = [...]string{"Content-Encoding", "Content-Language", "Content-Location", "Content-Type"}

// setHeader gives the request what is configured; to another host than the
// target's only what is not a secret.
func (r *httpRun) setHeader(ctx context.Context, req *http.Request, hop *httpHop) error {
	header := make(http.Header, len(r.header)+2)
	maps.Copy(header, r.header)
	if err := addHeaders(header, r.Client.HTTPHeaders); err != nil {
		return err
	}
	if r.left {
		onlyHarmless(header)
	}
	if !hop.body {
		for _, name := range aboutBody {
			header.Del(name)
		}
	}
	if header.Get("Authorization") == "" && !(r.left && r.creds.configured()) {
		value, err := r.creds.authorization(ctx, hop.url)
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

// take sends the request. A peer that rejects it without processing it is asked
// once more.
func (r *httpRun) take(ctx context.Context, hop *httpHop, trace *httpTrace) (req *http.Request, resp *http.Response, err error) {
	r.tries.end() // of the hop before
	r.tries = &tries{}
	ctx = r.tries.begin(ctx)
	for {
		if req, err = r.request(ctx, hop, trace); err != nil {
			return nil, nil, err
		}
		r.req.Debug("making HTTP request", "url", hop.url.Redacted(), "host", req.Host, "method", req.Method)
		if r.EnableHTTP3 {
			resp, err = r.takeQUIC(req, hop, trace)
		} else {
			resp, err = r.takeOnce(req, hop, trace)
		}
		switch {
		case err == nil:
			return req, resp, nil
		case !r.tries.left(err):
			return nil, nil, r.tries.explain(err)
		}
	}
}

func (r *httpRun) takeOnce(req *http.Request, hop *httpHop, trace *httpTrace) (*http.Response, error) {
	transport, err := r.transport(req, hop, r.tries)
	if err != nil {
		r.asked = len(r.traces) > 1
		closeBody(req.Body)
		return nil, err
	}
	r.transports = append(r.transports, transport)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		r.phase = trace.phase(err)
	}
	return resp, err
}

// hangUp ends what the probe has opened.
func (r *httpRun) hangUp() {
	if r.resp != nil {
		r.resp.Body.Close()
	}
	r.tries.end()
	for _, t := range r.transports {
		t.CloseIdleConnections()
	}
	r.hangUpQUIC()
}
