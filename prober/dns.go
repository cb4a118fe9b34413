package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/health-exporter/health_exporter/health"
)

// dnsRun is one probe of kind dns.
type dnsRun struct {
	*dnsProbe
	req   Request
	limit time.Duration
	phase Phase

	// where to
	host   string
	port   uint16
	at     place
	looked bool // an address was looked for
	again  bool // the answer over UDP was truncated, and TCP is used
	tries  *tries

	// the way there and back
	resolved, connect, request time.Duration

	// what came back
	answer     *dns.Msg
	tls        *tls.ConnectionState
	statusCode int
}

// probe asks the question and checks the answer against the conditions.
func (p *dnsProbe) probe(ctx context.Context, req Request) Result {
	run := &dnsRun{dnsProbe: p, req: req, limit: timeLimit(ctx)}
	res := Result{Outcome: health.Pass}
	if err := run.do(ctx); err != nil {
		res = run.failed(ctx, err)
	}
	res.StatusCode = run.statusCode
	if run.tls != nil {
		res.CertExpiry = expiryOf(run.tls)
	}
	if req.Samples {
		res.Samples = run.samples()
	}
	return res
}

func (r *dnsRun) failed(ctx context.Context, err error) Result {
	res := failed(ctx, r.limit, err)
	if res.Reason == ReasonConnect && r.phase == PhaseTLS {
		res = failed(ctx, r.limit, because(ReasonTLS, err))
	}
	if r.again && r.phase != PhaseCheck {
		res.Error = "answer is truncated; asking over TCP: " + res.Error
	}
	res.Phase = r.phase
	r.req.Debug("probe failed", "reason", string(res.Reason), "phase", string(res.Phase), "err", res.Error)
	return res
}

func (r *dnsRun) do(ctx context.Context) error {
	if r.useless.transport != nil {
		return r.useless.transport
	}
	if err := r.locate(ctx); err != nil {
		return err
	}
	if err := errors.Join(r.useless.overTLS, r.useless.query); err != nil {
		return err
	}
	truncated, err := r.ask(ctx, r.TransportProtocol)
	if truncated && r.TransportProtocol == dnsUDP && r.TCPFallback {
		r.req.Debug("answer is truncated, asking again over TCP")
		r.again = true
		truncated, err = r.ask(ctx, dnsTCP)
	}
	if err != nil {
		return err
	}
	r.phase = PhaseCheck
	r.req.Debug("got answer", "rcode", rcodeName(r.answer.Rcode), "truncated", truncated,
		"answers", len(r.answer.Answer), "authorities", len(r.answer.Ns), "additionals", len(r.answer.Extra))
	return r.checkAnswer(ctx, r.answer)
}

// ask asks the question once and keeps the answer. A truncated one may be an
// error too, if not even its beginning can be read.
func (r *dnsRun) ask(ctx context.Context, transport string) (truncated bool, err error) {
	r.tries = &tries{}
	answer, truncated, err := r.exchange(ctx, transport)
	if errors.Is(err, errSentAway) && r.tries.streams.Load() < maxTries {
		answer, truncated, err = r.exchange(ctx, transport)
	}
	switch {
	case err != nil:
		return false, err
	case answer == nil:
		return truncated, because(ReasonBody, errors.New("answer is truncated in the middle of a record"))
	}
	r.answer = answer
	return truncated, nil
}

// locate reads the target and chooses the address of the server.
func (r *dnsRun) locate(ctx context.Context) (err error) {
	r.phase, r.looked = PhaseResolve, true
	var port string
	r.host, port = splitTarget(r.req.Target, r.defaultPort)
	r.at, err = r.Outbound.locate(ctx, r.dialer, &r.req, r.host, port)
	if err != nil {
		return err
	}
	r.resolved = r.at.took
	if r.port, err = portNumber(ctx, r.dialer, port); err != nil {
		return because(ReasonInternal, errors.New("target has no valid port"))
	}
	return nil
}

func (r *dnsRun) server() netip.AddrPort { return netip.AddrPortFrom(r.at.addr, r.port) }

// splitTarget reads host, host:port, or an IPv6 address with or without brackets.
func splitTarget(target string, defaultPort uint16) (host, port string) {
	host, port, err := net.SplitHostPort(target)
	if err == nil {
		return host, port
	}
	if inner, ok := strings.CutPrefix(target, "["); ok {
		target = strings.TrimSuffix(inner, "]")
	}
	return target, strconv.Itoa(int(defaultPort))
}
