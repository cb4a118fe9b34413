package prober

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// icmpProbe sends echo requests ("ping"). Its keys, defaults and metrics are
// those of blackbox_exporter, and more for several packets.
type icmpProbe struct {
	Outbound `yaml:",inline"`

	// PayloadSize is how many bytes a packet carries; 0 means 28.
	PayloadSize int `yaml:"payload_size"`
	// DontFragment forbids routers to split an IPv4 packet; with IPv6 they never do.
	DontFragment bool `yaml:"dont_fragment"`
	// TTL is the number of hops a packet may make; 0 leaves it to the system.
	TTL int `yaml:"ttl"`

	// Count is how many packets to send, Interval apart.
	Count    int           `yaml:"count"`
	Interval time.Duration `yaml:"interval"`
	// MaxLoss is the part of the packets that may get lost, below 1.
	MaxLoss float64 `yaml:"max_loss"`

	// made by validate
	dialer *dialer
	pinger *pinger
}

// newICMPProbe has the defaults of blackbox_exporter.
func newICMPProbe() spec {
	return &icmpProbe{
		Outbound: Outbound{IPProtocolFallback: true},
		TTL:      64,
		Count:    1,
		Interval: 200 * time.Millisecond,
	}
}

// Limits of the options. A packet of IPv4 has 65535 bytes, its header 20 and
// that of ICMP 8.
const (
	maxICMPPayload  = 65535 - 20 - 8
	maxICMPCount    = 1000
	minICMPInterval = time.Millisecond
)

// validate checks and completes the configuration.
func (p *icmpProbe) validate() error {
	d, faults := p.newDialer()
	fault := func(path, format string, args ...any) {
		faults = append(faults, &FieldError{path, fmt.Sprintf(format, args...)})
	}
	if p.PayloadSize < 0 || p.PayloadSize > maxICMPPayload {
		fault("payload_size", "must be from 0 to %d, not %d", maxICMPPayload, p.PayloadSize)
	}
	if p.TTL < 0 || p.TTL > 255 {
		fault("ttl", "must be from 0 to 255, not %d", p.TTL)
	}
	if p.Count < 1 || p.Count > maxICMPCount {
		fault("count", "must be from 1 to %d, not %d", maxICMPCount, p.Count)
	}
	if p.Interval < minICMPInterval {
		fault("interval", "must be at least %s, not %s", minICMPInterval, p.Interval)
	}
	if !(p.MaxLoss >= 0 && p.MaxLoss < 1) {
		fault("max_loss", "must be from 0 to below 1, not %g", p.MaxLoss)
	}
	if p.DontFragment && !canForbidFragments {
		fault("dont_fragment", "is not supported on this system")
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	p.dialer = d
	p.pinger = &pinger{source: d.source, ttl: p.TTL, dontFragment: p.DontFragment, payload: p.PayloadSize}
	return nil
}

// icmpRun is one probe of kind icmp.
type icmpRun struct {
	*icmpProbe
	req   Request
	limit time.Duration
	phase Phase

	host   string
	addr   netip.Addr
	lookup time.Duration
	looked bool // an address was looked for

	resolved, setup time.Duration
	pings           []ping // those that were sent
	hopLimit        int    // of the last reply; -1 if it is not known
}

// ping is one echo request and what became of it.
type ping struct {
	received bool
	rtt      time.Duration
}

// probe sends the packets and waits for their replies.
func (p *icmpProbe) probe(ctx context.Context, req Request) Result {
	run := &icmpRun{icmpProbe: p, req: req, limit: timeLimit(ctx), hopLimit: -1}
	res := Result{Outcome: health.Pass}
	if err := run.do(ctx); err != nil {
		res = run.failed(ctx, err)
	}
	if req.Samples {
		res.Samples = run.samples()
	}
	return res
}

func (r *icmpRun) failed(ctx context.Context, err error) Result {
	res := failed(ctx, r.limit, err)
	var lost *lossError
	var ours *icmpFault
	switch {
	case res.Inconclusive:
	case errors.As(err, &lost):
		res = Failure(ReasonTimeout, lost)
	case errors.As(err, &ours):
		res = Failure(ReasonInternal, ours)
		res.Inconclusive = true
	}
	res.Phase = r.phase
	r.req.debug("probe failed", "reason", string(res.Reason), "phase", string(res.Phase), "err", res.Error)
	return res
}

// lossError tells that more packets are missing than may be, but not all.
type lossError struct{ text string }

func (e *lossError) Error() string { return e.text }

// icmpFault is a failure of ours, which says nothing about the target.
type icmpFault struct{ text string }

func (e *icmpFault) Error() string { return e.text }

func (r *icmpRun) do(ctx context.Context) error {
	if needs := time.Duration(r.Count-1) * r.Interval; r.Count > 1 && r.limit > 0 && needs >= r.limit {
		return &icmpFault{fmt.Sprintf("sending %d packets %s apart takes %s, and the timeout is %s",
			r.Count, r.Interval, needs, r.limit)}
	}
	if err := r.locate(ctx); err != nil {
		return err
	}
	r.phase = PhaseConnect
	begin := time.Now()
	if err := r.req.Network.Check(netip.AddrPortFrom(r.addr, 0), r.host); err != nil {
		return err
	}
	socket, err := r.pinger.acquire(r.addr)
	r.setup = time.Since(begin)
	if err != nil {
		return err
	}
	defer r.pinger.release(socket)
	r.phase = PhaseRequest
	err = r.exchange(ctx, socket)
	return r.judge(ctx, err)
}

// locate chooses the address of the target.
func (r *icmpRun) locate(ctx context.Context) (err error) {
	r.phase, r.looked = PhaseResolve, true
	r.host = r.req.Target
	if inner, ok := strings.CutPrefix(r.host, "["); ok {
		r.host = strings.TrimSuffix(inner, "]")
	}
	if r.host == "" {
		return because(ReasonInternal, errors.New("target has no host"))
	}
	if err := r.req.Network.CheckLiteral(r.host); err != nil {
		return err
	}
	begin := time.Now()
	r.addr, err = r.Outbound.lookup(ctx, r.dialer, plainHost(r.host))
	r.lookup = time.Since(begin)
	if err != nil {
		return err
	}
	r.resolved = r.lookup
	r.req.debug("resolved target address", "host", r.host, "ip", r.addr)
	return nil
}

// exchange sends the packets, each in its time, and collects the replies until
// there is one for each, or the context is done. The error is that of the last
// packet that could not be sent.
func (r *icmpRun) exchange(ctx context.Context, socket *pingSocket) (notSent error) {
	r.pings = make([]ping, 0, r.Count)
	e := socket.begin(r.addr, r.Count)
	defer e.end()
	next := time.NewTimer(0)
	defer next.Stop()
	pending := r.Count // packets whose fate is not known
	for pending > 0 {
		select {
		case <-next.C:
			if err := e.send(len(r.pings)); err != nil {
				r.req.debug("packet could not be sent", "packet", len(r.pings), "err", plainError(err))
				notSent = err
				pending--
			}
			r.pings = append(r.pings, ping{})
			if len(r.pings) < r.Count {
				next.Reset(r.Interval)
			}
		case reply := <-e.replies:
			r.req.debug("got reply", "packet", reply.packet, "rtt", reply.rtt, "hop_limit", reply.hopLimit)
			r.pings[reply.packet] = ping{received: true, rtt: reply.rtt}
			r.hopLimit = reply.hopLimit
			pending--
		case <-ctx.Done():
			return notSent
		}
	}
	return notSent
}

// judge decides by how many packets came back.
func (r *icmpRun) judge(ctx context.Context, notSent error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	sent, received := len(r.pings), r.received()
	const rounding = 1e-9
	switch lost := sent - received; {
	case sent == r.Count && float64(lost) <= r.MaxLoss*float64(sent)+rounding:
		return nil
	case notSent != nil:
		return notSent
	case received == 0:
		return context.DeadlineExceeded
	case sent < r.Count:
		return &lossError{fmt.Sprintf("only %d of %d packets could be sent within %s", sent, r.Count, r.limit)}
	default:
		r.phase = PhaseCheck
		return &lossError{fmt.Sprintf("%d of %d packets were lost, at most %.4g %% may be", lost, sent, 100*r.MaxLoss)}
	}
}

func (r *icmpRun) received() (n int) {
	for _, p := range r.pings {
		if p.received {
			n++
		}
	}
	return n
}

// samples are the metrics of this probe.
func (r *icmpRun) samples() []Sample {
	s := make([]Sample, 0, 16)
	if r.looked {
		s = addressSamples(s, r.addr, r.lookup)
	}
	times := roundTripsOf(r.pings)
	for _, each := range []struct {
		phase string
		took  time.Duration
	}{{"resolve", r.resolved}, {"setup", r.setup}, {"rtt", times.avg}} {
		s = append(s, gauge("probe_icmp_duration_seconds", "Duration of icmp request by phase",
			each.took.Seconds(), Label{"phase", each.phase}))
	}
	if r.hopLimit >= 0 {
		s = append(s, gauge("probe_icmp_reply_hop_limit", "Replied packet hop limit (TTL for ipv4)", float64(r.hopLimit)))
	}
	if r.Count > 1 {
		s = r.statistics(s, times)
	}
	return s
}

// statistics are the metrics of several packets. What is not known, because
// nothing came back, is absent rather than 0.
func (r *icmpRun) statistics(s []Sample, times roundTrips) []Sample {
	sent, received := len(r.pings), r.received()
	s = append(s,
		gauge("probe_icmp_packets_sent", "Number of echo requests sent", float64(sent)),
		gauge("probe_icmp_packets_received", "Number of echo requests that were replied to", float64(received)))
	if sent > 0 {
		s = append(s, gauge("probe_icmp_loss_ratio", "Part of the echo requests that was not replied to", float64(sent-received)/float64(sent)))
	}
	if received > 0 {
		const help = "Round-trip time of the echo requests that were replied to"
		s = append(s,
			gauge("probe_icmp_rtt_seconds", help, times.min.Seconds(), Label{"type", "min"}),
			gauge("probe_icmp_rtt_seconds", help, times.avg.Seconds(), Label{"type", "avg"}),
			gauge("probe_icmp_rtt_seconds", help, times.max.Seconds(), Label{"type", "max"}))
	}
	if received > 1 {
		s = append(s, gauge("probe_icmp_jitter_seconds",
			"Mean difference between the round-trip times of successive replies", times.jitter.Seconds()))
	}
	return s
}

// roundTrips summarises the round-trip times of the packets that came back.
type roundTrips struct{ min, avg, max, jitter time.Duration }

func roundTripsOf(pings []ping) (t roundTrips) {
	var n int
	var sum, differences, previous time.Duration
	for _, p := range pings {
		if !p.received {
			continue
		}
		if n == 0 {
			t.min = p.rtt
		} else {
			differences += (p.rtt - previous).Abs()
		}
		t.min, t.max = min(t.min, p.rtt), max(t.max, p.rtt)
		sum, previous = sum+p.rtt, p.rtt
		n++
	}
	if n > 0 {
		t.avg = sum / time.Duration(n)
	}
	if n > 1 {
		t.jitter = differences / time.Duration(n-1)
	}
	return t
}
