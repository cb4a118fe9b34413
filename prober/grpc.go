package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/prometheus/common/config"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpccreds "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// grpcProbe asks a server for the health of a service by the gRPC health
// checking protocol. Its keys, defaults and metrics are those of
// blackbox_exporter.
type grpcProbe struct {
	Outbound `yaml:",inline"`
	// Service is the one to ask for; empty means the server as a whole.
	Service   string           `yaml:"service"`
	TLS       bool             `yaml:"tls"`
	TLSConfig config.TLSConfig `yaml:"tls_config"`
	// Metadata is sent with the call.
	Metadata map[string][]string `yaml:"metadata"`

	// made by validate
	dialer       *dialer
	certificates *tlsSource
	metadata     metadata.MD
	agent        string
}

// newGRPCProbe falls back to the other protocol with or without a block of
// options.
func newGRPCProbe() spec { return &grpcProbe{Outbound: Outbound{IPProtocolFallback: true}} }

// validate checks and completes the configuration.
func (p *grpcProbe) validate() error {
	d, faults := p.newDialer()
	faults = append(faults, checkTLSConfig(&p.TLSConfig)...)
	p.dialer = d
	p.certificates = newTLSSource(p.TLSConfig)
	p.metadata = metadata.MD{}
	for name, values := range p.Metadata {
		p.metadata.Append(name, values...) // in lower case, as HTTP/2 wants it
	}
	p.agent = userAgent()
	return errors.Join(faults...)
}

// grpcRun is one probe of kind grpc.
type grpcRun struct {
	*grpcProbe
	req   *Request
	phase Phase

	at     place
	looked bool          // an address was looked for
	called bool          // it was found, so that the call was made or failed to be
	took   time.Duration // the call, and the way there
	code   codes.Code
	// answer is nil if the call failed.
	answer *healthpb.HealthCheckResponse
	tls    *tls.ConnectionState
}

// probe passes if the server says that the service is serving.
func (p *grpcProbe) probe(ctx context.Context, req Request) Result {
	limit := timeLimit(ctx)
	r := &grpcRun{grpcProbe: p, req: &req}
	res := Result{Outcome: health.Pass}
	if err := r.do(ctx); err != nil {
		res = failedIn(ctx, r.phase, limit, err)
		req.debug("probe failed", "reason", string(res.Reason), "phase", string(res.Phase), "err", res.Error)
	}
	if r.tls != nil && res.CertExpiry.IsZero() {
		res.CertExpiry = earliestExpiry(r.tls.PeerCertificates)
	}
	if req.Samples {
		res.Samples = r.samples()
	}
	return res
}

func (r *grpcRun) do(ctx context.Context) error {
	host, port, err := grpcTarget(r.req.Target, r.TLS)
	if err != nil {
		return err
	}
	r.phase, r.looked = PhaseResolve, true
	if r.at, err = r.locate(ctx, r.dialer, r.req, host, port); err != nil {
		return err
	}
	r.called = true
	begin := time.Now()
	err = r.call(ctx)
	r.took = time.Since(begin)
	if err != nil {
		return err
	}
	r.req.debug("received answer", "serving_status", r.answer.GetStatus().String())
	if r.answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		r.phase = PhaseCheck
		return because(ReasonStatus, fmt.Errorf("service is %s, want SERVING", r.answer.GetStatus()))
	}
	return nil
}

// grpcTarget takes host and port out of a target: host, host:port, an address,
// or a URL of http or https, whose scheme and path mean nothing.
func grpcTarget(target string, secure bool) (host, port string, err error) {
	port = "80"
	if secure {
		port = "443"
	}
	if addr, err := netip.ParseAddr(target); err == nil {
		return addr.String(), port, nil
	}
	u, err := parseHTTPTarget(target)
	if err != nil {
		return "", "", err
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return plainHost(u.Hostname()), port, nil
}

// call connects and asks. It leaves r.code as it is to be shown.
func (r *grpcRun) call(ctx context.Context) error {
	r.phase = PhaseConnect
	conn, err := r.at.connect(ctx, r.dialer, r.req.Network)
	if err != nil {
		r.code = codeWithoutAnswer(err)
		return err
	}
	defer conn.Close()
	stop := bound(ctx, conn)
	defer stop()
	secure := &grpcCredentials{TransportCredentials: insecure.NewCredentials()}
	authority := net.JoinHostPort(r.at.host, r.at.port)
	if r.TLS {
		r.phase = PhaseTLS
		config, err := r.certificates.config(r.at.host, "h2")
		if err == nil {
			authority = config.ServerName
			conn, err = r.secure(conn, config)
		}
		if err != nil {
			r.code = codeWithoutAnswer(err)
			return err
		}
		secure.state = r.tls
	}
	r.phase = PhaseRequest
	return r.check(ctx, conn, secure, authority)
}

func (r *grpcRun) secure(conn net.Conn, config *tls.Config) (net.Conn, error) {
	secure, err := handshake(conn, config)
	if err != nil {
		return conn, err
	}
	state := secure.ConnectionState()
	r.tls = &state
	if state.NegotiatedProtocol != "h2" {
		return conn, because(ReasonTLS, errors.New("server does not offer HTTP/2 (ALPN)"))
	}
	return secure, nil
}

// codeWithoutAnswer is the code of a call that did not get as far as the server.
func codeWithoutAnswer(err error) codes.Code {
	if isTimeout(err) {
		return codes.DeadlineExceeded
	}
	return codes.Unavailable
}

// check makes the call over the connection.
func (r *grpcRun) check(ctx context.Context, conn net.Conn, secure grpccreds.TransportCredentials, authority string) error {
	once := &grpcConn{Conn: conn}
	once.left.Store(maxDialogueBytes)
	client, err := grpc.NewClient("passthrough:///target",
		grpc.WithContextDialer(once.dial),
		grpc.WithTransportCredentials(secure),
		grpc.WithAuthority(authority),
		grpc.WithUserAgent(r.agent),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableHealthCheck(),
		grpc.WithDisableRetry(),
		grpc.WithIdleTimeout(0),
		grpc.WithReadBufferSize(4<<10),
		grpc.WithWriteBufferSize(4<<10),
		grpc.WithMaxHeaderListSize(maxHeaderBytes),
	)
	if err != nil {
		return because(ReasonInternal, fmt.Errorf("making a gRPC client: %w", err))
	}
	defer client.Close()
	answer, err := healthpb.NewHealthClient(client).Check(
		metadata.NewOutgoingContext(ctx, r.metadata),
		&healthpb.HealthCheckRequest{Service: r.Service},
		grpc.MaxCallRecvMsgSize(maxGRPCAnswer),
	)
	if err != nil {
		return r.explain(ctx, err, once)
	}
	r.answer = answer
	return nil
}

// maxGRPCAnswer is the most that an answer, which holds one number, may have.
const maxGRPCAnswer = 64 << 10

// explain tells a call that the server has refused from one that never came
// back, and notes the code.
func (r *grpcRun) explain(ctx context.Context, err error, conn *grpcConn) error {
	answer := status.Convert(err)
	r.code = answer.Code()
	broken := conn.broken()
	switch {
	case ctx.Err() != nil || isTimeout(broken):
		if r.code != codes.Canceled {
			r.code = codes.DeadlineExceeded
		}
		return context.DeadlineExceeded
	case errors.Is(broken, errTalkative):
		return because(ReasonBody, broken)
	case broken != nil && r.code == codes.Unavailable:
		return broken
	case strings.HasPrefix(answer.Message(), "connection error: "):
		return because(ReasonBody, errors.New("no answer in HTTP/2"))
	}
	r.phase = PhaseCheck
	return because(ReasonStatus, fmt.Errorf("call failed with code %s: %s", r.code, answer.Message()))
}

// samples are the metrics of this probe.
func (r *grpcRun) samples() []Sample {
	s := make([]Sample, 0, 16)
	if r.looked {
		s = addressSamples(s, r.at.addr, r.at.took)
	}
	phase := func(name string, took time.Duration) {
		s = append(s, gauge("probe_grpc_duration_seconds", "Duration of gRPC request by phase", took.Seconds(), Label{"phase", name}))
	}
	phase("resolve", r.at.took)
	s = append(s,
		gauge("probe_grpc_ssl", "Indicates if SSL was used for the connection", boolValue(r.tls != nil && r.answer != nil)),
		gauge("probe_grpc_status_code", "Response gRPC status code", float64(r.code)))
	if !r.called {
		return s
	}
	phase("check", r.took)
	for _, number := range servingStatuses {
		s = append(s, gauge("probe_grpc_healthcheck_response", "Response HealthCheck response",
			boolValue(r.answer != nil && r.answer.GetStatus() == number), Label{"serving_status", number.String()}))
	}
	if r.tls != nil && r.answer != nil {
		s = tlsSamples(s, r.tls, false)
		s = slices.DeleteFunc(s, func(each Sample) bool {
			return each.Name == "probe_ssl_last_chain_expiry_timestamp_seconds"
		})
	}
	return s
}

var servingStatuses = []healthpb.HealthCheckResponse_ServingStatus{
	healthpb.HealthCheckResponse_UNKNOWN,
	healthpb.HealthCheckResponse_SERVING,
	healthpb.HealthCheckResponse_NOT_SERVING,
	healthpb.HealthCheckResponse_SERVICE_UNKNOWN,
}

// grpcCredentials tell gRPC of the handshake that has been done already.
type grpcCredentials struct {
	grpccreds.TransportCredentials // of a connection without TLS

	state *tls.ConnectionState // nil without TLS
}

// ClientHandshake has nothing left to do.
func (c *grpcCredentials) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, grpccreds.AuthInfo, error) {
	if c.state == nil {
		return c.TransportCredentials.ClientHandshake(ctx, authority, conn)
	}
	return conn, grpccreds.TLSInfo{
		State:          *c.state,
		CommonAuthInfo: grpccreds.CommonAuthInfo{SecurityLevel: grpccreds.PrivacyAndIntegrity},
	}, nil
}

// Info makes gRPC ask for https, if that is what it is.
func (c *grpcCredentials) Info() grpccreds.ProtocolInfo {
	if c.state == nil {
		return c.TransportCredentials.Info()
	}
	return grpccreds.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone is the same again; there is nothing to change in it.
func (c *grpcCredentials) Clone() grpccreds.TransportCredentials { return c }

// grpcConn is a connection that is used for one call and not replaced when it
// breaks. Its deadline is not gRPC's to move.
type grpcConn struct {
	net.Conn

	taken atomic.Bool
	left  atomic.Int64 // bytes that may be read
	err   atomic.Pointer[error]
}

// dial hands the connection out, once.
func (c *grpcConn) dial(context.Context, string) (net.Conn, error) {
	if c.taken.Swap(true) {
		return nil, errors.New("one connection is all there is")
	}
	return c, nil
}

// broken is why the connection cannot be read any more.
func (c *grpcConn) broken() error {
	if err := c.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (c *grpcConn) Read(b []byte) (int, error) {
	if c.left.Load() <= 0 {
		err := errTalkative
		c.err.CompareAndSwap(nil, &err)
		return 0, err
	}
	n, err := c.Conn.Read(b)
	c.left.Add(-int64(n))
	if err != nil {
		c.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

func (c *grpcConn) SetDeadline(time.Time) error      { return nil }
func (c *grpcConn) SetReadDeadline(time.Time) error  { return nil }
func (c *grpcConn) SetWriteDeadline(time.Time) error { return nil }
