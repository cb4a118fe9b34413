package oracle

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func (l *listeners) startGRPC(t *testing.T) {
	t.Helper()
	l.grpc = serveGRPC(t, true)
	l.grpcPlain = serveGRPC(t, false)
	l.grpcTLS = serveGRPC(t, true, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{l.ca.server(t)}})))
}

func serveGRPC(t *testing.T, withHealth bool, options ...grpc.ServerOption) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	if withHealth {
		states := health.NewServer()
		states.SetServingStatus("down", healthpb.HealthCheckResponse_NOT_SERVING)
		states.SetServingStatus("unclear", healthpb.HealthCheckResponse_UNKNOWN)
		states.SetServingStatus("with metadata", healthpb.HealthCheckResponse_SERVING)
		healthpb.RegisterHealthServer(server, picky{states})
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-ended; err != nil {
			t.Errorf("the gRPC server ended: %v", err)
		}
	})
	return listener.Addr().String()
}

// picky serves one service only to those who send its metadata.
type picky struct{ *health.Server }

func (p picky) Check(ctx context.Context, req *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	sent, _ := metadata.FromIncomingContext(ctx)
	if req.GetService() == "with metadata" && !slices.Equal(sent.Get("x-one"), []string{"a", "b"}) {
		return nil, status.Error(codes.PermissionDenied, "the metadata is missing")
	}
	return p.Server.Check(ctx, req)
}

func (l *listeners) grpcCases() []oracleCase {
	cases := []oracleCase{
		{name: "grpc serving", module: "grpc", target: l.grpc},
		{name: "grpc by name", module: "grpc", target: "localhost:" + port(l.grpc)},
		{name: "grpc not serving", module: "grpc_service", target: l.grpc},
		{name: "grpc unknown service", module: "grpc_unknown", target: l.grpc},
		{name: "grpc unknown status", module: "grpc_status_unknown", target: l.grpc},
		{name: "grpc metadata", module: "grpc_metadata", target: l.grpc, since: 28},
		{name: "grpc without health service", module: "grpc", target: l.grpcPlain},
		{name: "grpc refused", module: "grpc", target: l.closed},
		{name: "grpc silent", module: "grpc", target: l.hesitant, timeout: "0.9"},
		{name: "grpc of no gRPC server", module: "grpc", target: l.banner, timeout: "0.9"},
		{name: "grpc no such host", module: "grpc", target: "none..invalid:80"},
		{name: "grpc URL", module: "grpc", target: "http://" + l.grpc + "/path"},
		{name: "grpc without port", module: "grpc", target: "127.0.0.1", timeout: "0.9"},
		{name: "grpc port too high", module: "grpc", target: "127.0.0.1:70000", timeout: "0.9"},
		{name: "grpc without block", module: "grpc_no_block", target: l.grpc},
		{name: "grpc plain of TLS", module: "grpc", target: l.grpcTLS, timeout: "0.9"},
		{name: "grpc TLS", module: "grpc_tls", target: l.grpcTLS},
		{name: "grpc TLS insecure", module: "grpc_tls_insecure", target: l.grpcTLS},
		{name: "grpc TLS of a stranger", module: "grpc_tls_stranger", target: l.grpcTLS, timeout: "0.9"},
		{name: "grpc TLS of plain", module: "grpc_tls", target: l.grpc, timeout: "0.9"},
	}
	return cases
}

func (l *listeners) icmpCases() []oracleCase {
	var cases []oracleCase
	for _, module := range []string{"icmp", "icmp_ip4", "icmp_ip6", "icmp_options", "icmp_dont_fragment", "icmp_small"} {
		for _, target := range []string{"127.0.0.1", "::1", "localhost", "none..invalid", "http://127.0.0.1", "127.0.0.1:80", "[::1]"} {
			cases = append(cases, oracleCase{name: module + " of " + target, module: module, target: target, timeout: "1"})
		}
	}
	return cases
}

// requestCases are about the request to the exporter itself.
func (l *listeners) requestCases() []oracleCase {
	echo := l.http + "/echo"
	cases := []oracleCase{
		{name: "request without module", target: echo},
		{name: "request with an unknown module", module: "none", target: echo},
		{name: "request with an empty module", target: echo, query: "module="},
		{name: "request with two modules", module: "http_2xx", target: echo, query: "module=none"},
		{name: "request with two targets", module: "http_2xx", target: echo, query: "target=http://" + l.closed},
		{name: "request without target", module: "http_2xx"},
		{name: "request with an empty target", module: "http_2xx", query: "target="},
		{name: "request with a space for a target", module: "http_2xx", query: "target=+"},
		{name: "request without target and module", query: "a=b"},
		{name: "request with an unknown module and without target", module: "none"},
		{name: "request with a bad timeout and an unknown module", module: "none", target: echo, timeout: "soon"},
		{name: "request with a bad timeout and without target", module: "http_2xx", timeout: "soon"},
		{name: "request with another host name", module: "http_headers", target: echo, query: "hostname=other.example.org"},
		{name: "request encoded twice", module: "http_2xx", query: "target=http%253A%252F%252F" + l.http[len("http://"):] + "%252Fecho"},
		{name: "request with a plus sign", module: "http_2xx", target: echo + "?a=b+c"},
		{name: "request with a path encoded twice", module: "http_2xx", target: echo + "?a=%252F"},
		{name: "request with a bad escape", module: "http_2xx", query: "target=%zz"},
		{name: "request with more parameters", module: "http_2xx", target: echo, query: "other=1&debug=yes"},
	}
	for _, timeout := range []string{"soon", "15", "0", "-1", "0.3", "0.5", "0.9", "1", "nan", "inf", "-inf", "1e3", "0x10", " 5", "5s", "1e300"} {
		for _, module := range []string{"http_2xx", "http_short", "http_no_timeout"} {
			cases = append(cases, oracleCase{name: "timeout " + timeout + " of " + module, module: module, target: echo, timeout: timeout})
		}
	}
	return cases
}
