package prober

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// tcpProbe connects to host:port, over TLS if asked to, and holds a dialogue.
// Its keys, defaults and metrics are those of blackbox_exporter.
type tcpProbe struct {
	Outbound `yaml:",inline"`
	Dialogue `yaml:",inline"`

	dialer *dialer
}

func newTCPProbe() spec { return &tcpProbe{Outbound: Outbound{IPProtocolFallback: true}} }

// validate checks and completes the configuration.
func (p *tcpProbe) validate() error {
	d, faults := p.newDialer()
	p.dialer = d
	return errors.Join(append(faults, p.prepare()...)...)
}

func (p *tcpProbe) warnings() []error {
	return append(p.Outbound.warnings(), p.Dialogue.warnings()...)
}

// probe passes if the connection, the handshake and the dialogue succeed.
func (p *tcpProbe) probe(ctx context.Context, req Request) Result {
	limit := timeLimit(ctx)
	t := &dialogueRun{Dialogue: &p.Dialogue, req: &req}
	host, port, err := net.SplitHostPort(req.Target)
	if err != nil {
		return t.result(ctx, limit, because(ReasonInternal, errors.New("target must be host:port")), nil)
	}
	t.config = func() (*tls.Config, error) {
		return p.certificates.config(plainHost(cmp.Or(req.Hostname, host)))
	}
	at, err := p.locate(ctx, p.dialer, &req, host, port)
	t.phase = PhaseResolve
	if err == nil {
		err = p.dial(ctx, t, at)
	}
	var samples []Sample
	if req.Samples {
		samples = addressSamples(make([]Sample, 0, 16), at.addr, at.took)
	}
	return t.result(ctx, limit, err, samples)
}

func (p *tcpProbe) dial(ctx context.Context, t *dialogueRun, at place) error {
	t.phase = PhaseConnect
	conn, err := at.connect(ctx, p.dialer, t.req.Network)
	if err != nil {
		return err
	}
	if t.logs() {
		t.req.Debug("connected", "to", conn.RemoteAddr().String())
	}
	return t.run(ctx, conn)
}

// place is the address that was chosen for a host, and how long that took.
type place struct {
	host, port string
	addr       netip.Addr
	took       time.Duration
}

// locate chooses the address of a host by the keys. What the network policy
// refuses as it is written is not even looked up.
func (o *Outbound) locate(ctx context.Context, d *dialer, req *Request, host, port string) (place, error) {
	at := place{host: plainHost(host), port: port}
	if err := req.Network.CheckLiteral(net.JoinHostPort(host, port)); err != nil {
		return at, err
	}
	begin := time.Now()
	addr, err := o.lookup(ctx, d, lookupName(host))
	at.addr, at.took = addr, time.Since(begin)
	if err == nil && req.Log != nil {
		req.Debug("resolved target address", "host", host, "ip", addr)
	}
	return at, err
}

// connect opens a connection to the place, if the network policy allows it.
func (p place) connect(ctx context.Context, d *dialer, policy *NetworkPolicy) (net.Conn, error) {
	port, err := portNumber(ctx, d, p.port)
	if err != nil {
		return nil, because(ReasonInternal, errors.New("target has no valid port"))
	}
	at := netip.AddrPortFrom(p.addr, port)
	if err := policy.Check(at, p.host); err != nil {
		return nil, err
	}
	return d.dialChecked(ctx, "tcp", at)
}

// portNumber reads a port; a name such as https will do.
func portNumber(ctx context.Context, d *dialer, port string) (uint16, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err == nil && n > 0 {
		return uint16(n), nil
	}
	found, err := d.resolver.LookupPort(ctx, "tcp", port)
	if err == nil && found <= 0 {
		err = errors.New("no port")
	}
	return uint16(found), err
}
