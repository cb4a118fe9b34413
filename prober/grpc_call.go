package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpccreds "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// maxGRPCAnswer is the most that an answer, which holds one number, may have.
const maxGRPCAnswer = 64 << 10

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
	credentials := &grpcCredentials{TransportCredentials: insecure.NewCredentials()}
	authority := net.JoinHostPort(r.at.host, r.at.port)
	if r.options != nil {
		r.phase = PhaseTLS
		if conn, err = r.secure(conn); err != nil {
			r.code = codeWithoutAnswer(err)
			return err
		}
		credentials.state = r.tls
		authority = bracketed(r.options.ServerName)
	}
	r.phase = PhaseRequest
	return r.check(ctx, conn, credentials, authority)
}

// bracketed is a host as it stands in a URL.
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

func (r *grpcRun) secure(conn net.Conn) (net.Conn, error) {
	secure, err := handshake(fixedDeadline{conn}, r.options)
	if err != nil {
		return nil, err
	}
	state := secure.ConnectionState()
	r.tls = &state
	r.req.Debug("TLS handshake done", "version", tls.VersionName(state.Version))
	if state.NegotiatedProtocol != "h2" {
		return nil, because(ReasonTLS, errors.New("server does not offer HTTP/2 (ALPN)"))
	}
	return secure, nil
}

// codeWithoutAnswer is the code of a call that did not get as far as the server.
func codeWithoutAnswer(err error) codes.Code {
	switch {
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	case isTimeout(err):
		return codes.DeadlineExceeded
	}
	return codes.Unavailable
}

// check makes the call over the connection.
func (r *grpcRun) check(ctx context.Context, conn net.Conn, credentials grpccreds.TransportCredentials, authority string) error {
	once := newGRPCConn(conn)
	defer func() { r.sentAway = once.sentAway() }()
	client, err := grpc.NewClient("passthrough:///target",
		grpc.WithContextDialer(once.dial),
		grpc.WithTransportCredentials(credentials),
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

// explain distinguishes a call that the server has refused from one that never came
// back or came back mangled, and notes the code.
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
	case errors.Is(broken, errGRPCTalkative):
		return because(ReasonBody, broken)
	case broken != nil && r.code == codes.Unavailable:
		if isTLS(broken) { // TLS 1.3 refuses a client's certificate after the handshake
			r.phase = PhaseTLS
		}
		if errors.Is(broken, io.EOF) && conn.hasRead() {
			return io.ErrUnexpectedEOF
		}
		return broken
	case conn.sentAway():
		return because(ReasonConnect, errors.New("server ended the connection without an answer"))
	case strings.HasPrefix(answer.Message(), "connection error: "):
		return because(ReasonBody, errors.New("no answer in HTTP/2"))
	}
	r.phase = PhaseCheck
	if fault, ok := strings.CutPrefix(answer.Message(), "grpc: "); ok { // the client's own words
		return because(ReasonBody, errors.New(fault))
	}
	return because(ReasonStatus, fmt.Errorf("call failed with code %s: %s", r.code, answer.Message()))
}
