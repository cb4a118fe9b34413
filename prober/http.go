package prober

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/health"
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
	looked   bool  // an address was looked for
	asked    bool  // a request was begun
	phase    Phase // how far it has come

	// the way there
	transports []*http.Transport
	tries      *tries    // of the last hop
	call       *quicCall // instead of them, with HTTP/3
	jar        *cookiejar.Jar
	traces     []*httpTrace
	redirects  int
	left       bool // a redirect has led away from the target's host and port

	// what came back
	resp         *http.Response
	bodyBytes    int64
	regexFailed  bool
	celFailed    bool
	lastModified time.Time
	lost         error // why there is no answer

	result Result
}

// probe makes the request, follows redirects and checks the last answer against
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
	resp, unfollowed, err := r.roundTrips(ctx)
	if err != nil {
		r.lost = err
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
	if res.Reason == ReasonConnect && r.phase == PhaseTLS {
		res = failed(ctx, r.limit, because(ReasonTLS, err))
	}
	res.Phase = r.phase
	r.req.Debug("probe failed", "reason", string(res.Reason), "phase", string(res.Phase), "err", res.Error)
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
	if r.EnableHTTP3 {
		u.Scheme = "https" // there is no other
	}
	r.first = u
	r.phase = PhaseResolve
	r.hostname = r.host
	if r.req.Hostname != "" {
		r.hostname = r.req.Hostname
	}
	if r.proxy != nil && r.SkipResolvePhaseWithProxy {
		return r.req.Network.CheckLiteral(withPort(u))
	}
	r.req.Debug("resolving target address", "host", u.Hostname(), "preferred", r.PreferredIPProtocol)
	r.looked = true
	if err := r.req.Network.CheckLiteral(withPort(u)); err != nil {
		return err
	}
	begin := time.Now()
	r.addr, err = r.Outbound.lookup(ctx, r.dialer, lookupName(u.Hostname()))
	r.lookup = time.Since(begin)
	if err != nil {
		return err
	}
	r.req.Debug("resolved target address", "host", u.Hostname(), "ip", r.addr)
	return nil
}

// evaluate checks the answer against the conditions, in the order that decides
// which metric shows the failure.
func (r *httpRun) evaluate(ctx context.Context, unfollowed bool) {
	resp := r.resp
	r.req.Debug("received HTTP response", "status_code", resp.StatusCode, "proto", resp.Proto)
	if resp.TLS != nil {
		r.result.CertExpiry = expiryOf(resp.TLS)
	}
	r.phase = PhaseCheck
	r.checkStatus(ctx)
	if r.ok() {
		if err := r.matchHeaders(ctx, resp.Header); err != nil {
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
			r.failBody(ctx, err)
		} else {
			body = decoded
		}
	}
	scheduled := !r.req.Samples
	switch {
	case r.BodySizeLimit > 0:
		body = &bounded{from: body, left: int64(r.BodySizeLimit), limit: r.BodySizeLimit}
	case scheduled:
		body = io.LimitReader(body, maxMatchedBody+1) // one more shows that there is more
	}
	count := &tally{ctx: ctx, from: body}
	if isJSON, _ := jsonType(r.resp.Header.Get("Content-Type")); isJSON {
		count.keep = health.MaxReportSize + 1
	}
	if r.ok() && (r.matchesBody() || r.matchesJSON()) {
		r.match(ctx, count)
	}
	if !unfollowed {
		if _, err := io.Copy(io.Discard, count); err != nil {
			r.failBody(ctx, err)
		}
	}
	r.bodyBytes = count.n
	if count.keep > 0 && len(count.kept) < count.keep && json.Valid(count.kept) {
		r.result.Response = slices.Clone(count.kept)
	}
}

// match checks the body against regular expressions, then against expressions
// over JSON. What cannot be read fails the first of them.
func (r *httpRun) match(ctx context.Context, body io.Reader) {
	text, cut, err := readForMatch(body, r.matchLimit())
	if err != nil {
		r.regexFailed = r.matchesBody()
		r.celFailed = !r.regexFailed
		r.failBody(ctx, err)
		return
	}
	err = r.matchBody(ctx, text, cut)
	r.regexFailed = err != nil && ctx.Err() == nil
	if err == nil {
		err = r.matchJSON(ctx, text, cut)
		r.celFailed = err != nil && ctx.Err() == nil
	}
	if err != nil {
		r.fail(ctx, because(ReasonBody, err))
	}
}

// failBody notes that the body could not be read, or is not as it should be.
func (r *httpRun) failBody(ctx context.Context, err error) {
	err = r.bodyError(err)
	if reason := classify(err); reason != ReasonBody && reason != ReasonRedirect {
		r.phase = PhaseTransfer
	}
	r.fail(ctx, err)
	r.phase = PhaseCheck
}

// bodyError gives an error of reading the body its reason: that of the
// connection, or else the body is not what it is said to be.
func (r *httpRun) bodyError(err error) error {
	var known *reasonError
	if errors.As(err, &known) || isTimeout(err) || isNet(err) || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return because(ReasonBody, fmt.Errorf("reading the body: %w", err))
}
