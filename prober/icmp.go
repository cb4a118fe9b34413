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
	complaint       string // why a packet could not be delivered, as somebody on the way says
}

// ping is one echo request and its result.
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
	if lost, ok := errors.AsType[*lossError](err); ok && !res.Inconclusive {
		res = Failure(ReasonTimeout, lost)
	}
	res.Phase = r.phase
	r.req.Debug("probe failed", "reason", string(res.Reason), "phase", string(res.Phase), "err", res.Error)
	return res
}

// lossError says that more packets are missing than may be, but not all.
type lossError struct{ text string }

func (e *lossError) Error() string { return e.text }

func (r *icmpRun) do(ctx context.Context) error {
	if needs := time.Duration(r.Count-1) * r.Interval; r.Count > 1 && r.limit > 0 && needs >= r.limit {
		return &ownFault{fmt.Sprintf("sending %d packets %s apart takes %s, and the timeout is %s",
			r.Count, r.Interval, needs, r.limit)}
	}
	if err := r.locate(ctx); err != nil {
		return err
	}
	if r.useless != nil {
		return &ownFault{r.useless.Error()}
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
	r.addr, err = r.Outbound.lookup(ctx, r.dialer, lookupName(r.host))
	r.lookup = time.Since(begin)
	if err != nil {
		return err
	}
	r.resolved = r.lookup
	r.req.Debug("resolved target address", "host", r.host, "ip", r.addr)
	return nil
}

// exchange sends the packets, each in its time, and collects the replies until
// there is one for each, or the context is done. The error is that of the last
// packet that could not be sent.
func (r *icmpRun) exchange(ctx context.Context, socket *pingSocket) (notSent error) {
	r.pings = make([]ping, 0, r.Count)
	e := socket.begin(r.addr, r.Count)
	defer func() { r.complaint = e.end() }()
	next := time.NewTimer(0)
	defer next.Stop()
	pending := r.Count // packets whose fate is not known
	for pending > 0 {
		select {
		case <-next.C:
			if err := e.send(len(r.pings)); err != nil {
				r.req.Debug("packet could not be sent", "packet", len(r.pings), "err", plainError(err))
				notSent = err
				pending--
			}
			r.pings = append(r.pings, ping{})
			if len(r.pings) < r.Count {
				next.Reset(r.Interval)
			}
		case reply := <-e.replies:
			r.take(reply)
			pending--
		case <-ctx.Done():
			for len(e.replies) > 0 { // they came in time, only we did not
				r.take(<-e.replies)
			}
			return notSent
		}
	}
	return notSent
}

func (r *icmpRun) take(reply echoAnswer) {
	r.req.Debug("got reply", "packet", reply.packet, "rtt", reply.rtt, "hop_limit", reply.hopLimit)
	r.pings[reply.packet] = ping{received: true, rtt: reply.rtt}
	r.hopLimit = reply.hopLimit
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
	case received == 0 && r.complaint != "":
		return because(ReasonConnect, errors.New(r.complaint))
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
