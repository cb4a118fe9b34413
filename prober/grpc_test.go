package prober

import (
	"context"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpchealth "google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// grpcModule makes a module of kind grpc; set may change its options.
func grpcModule(t testing.TB, set func(p *grpcProbe)) *Module {
	t.Helper()
	m, err := NewModule(ModuleSource{Kind: "grpc", Decode: func(into any) error {
		if set != nil {
			set(into.(*grpcProbe))
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// serveGRPC runs a gRPC server on the address until the test ends.
func serveGRPC(t testing.TB, address string, register func(*grpc.Server), options ...grpc.ServerOption) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(append(options, grpc.WaitForHandlers(true))...)
	register(server)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	return l.Addr().String()
}

// healthService is the health service with a service in each state; the server
// as a whole is serving.
func healthService(s *grpc.Server) {
	states := grpchealth.NewServer()
	states.SetServingStatus("down", healthpb.HealthCheckResponse_NOT_SERVING)
	states.SetServingStatus("odd", healthpb.HealthCheckResponse_SERVICE_UNKNOWN)
	states.SetServingStatus("new", healthpb.HealthCheckResponse_UNKNOWN)
	states.SetServingStatus("strange", 7)
	healthpb.RegisterHealthServer(s, states)
}

// checkFunc is a health service that is one function.
type checkFunc func(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error)

func (f checkFunc) Check(ctx context.Context, req *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	return f(ctx, req)
}

func (f checkFunc) List(context.Context, *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	return nil, status.Error(codes.Unimplemented, "no list")
}

func (f checkFunc) Watch(*healthpb.HealthCheckRequest, healthpb.Health_WatchServer) error {
	return status.Error(codes.Unimplemented, "no watch")
}

func (f checkFunc) register(s *grpc.Server) { healthpb.RegisterHealthServer(s, f) }

// steadyValues are the metrics of a probe by name and labels. How long
// something took is checked to be plausible and left out.
func steadyValues(t testing.TB, res Result) map[string]float64 {
	t.Helper()
	values := valuesOf(res.Samples)
	if len(values) != len(res.Samples) {
		t.Errorf("series appear twice: %v", res.Samples)
	}
	for name, value := range values {
		if strings.Contains(name, "_seconds") && !strings.Contains(name, "timestamp") {
			if value < 0 || value > res.Duration.Seconds() {
				t.Errorf("%s is %g in a probe of %s", name, value, res.Duration)
			}
			values[name] = 0
		}
	}
	return values
}

// outcome is what a schedule keeps of a result, in a form to compare.
func outcome(res Result) string {
	if res.Outcome == health.Pass {
		return "pass"
	}
	return strings.Join([]string{string(res.Reason), string(res.Phase), res.Error}, "|")
}

// grpcValues are the metrics of a probe that found 127.0.0.1.
func grpcValues(code codes.Code, serving string) map[string]float64 {
	values := map[string]float64{
		"probe_dns_lookup_time_seconds": 0, "probe_ip_protocol": 4, "probe_ip_addr_hash": 3668918509,
		"probe_grpc_duration_seconds{phase=resolve}": 0, "probe_grpc_duration_seconds{phase=check}": 0,
		"probe_grpc_ssl": 0, "probe_grpc_status_code": float64(code),
	}
	for _, each := range []string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"} {
		values["probe_grpc_healthcheck_response{serving_status="+each+"}"] = boolValue(each == serving)
	}
	return values
}

func TestGRPCStatus(t *testing.T) {
	target := serveGRPC(t, "127.0.0.1:0", healthService)
	bare := serveGRPC(t, "127.0.0.1:0", func(*grpc.Server) {})
	for _, test := range []struct {
		name, target, service, want string
		code                        codes.Code
		serving                     string
	}{
		{"serving", target, "", "pass", codes.OK, "SERVING"},
		{"not serving", target, "down", "status|check|service is NOT_SERVING, want SERVING", codes.OK, "NOT_SERVING"},
		{"service unknown", target, "odd", "status|check|service is SERVICE_UNKNOWN, want SERVING", codes.OK, "SERVICE_UNKNOWN"},
		{"unknown", target, "new", "status|check|service is UNKNOWN, want SERVING", codes.OK, "UNKNOWN"},
		{"a status of the future", target, "strange", "status|check|service is 7, want SERVING", codes.OK, ""},
		{"no such service", target, "nobody", "status|check|call failed with code NotFound: unknown service", codes.NotFound, ""},
		{"no health service", bare, "", "status|check|call failed with code Unimplemented: unknown service grpc.health.v1.Health", codes.Unimplemented, ""},
		{"refused", closedPort(t), "", "connect|connect|connection refused", codes.Unavailable, ""},
		{"scheme and path", "http://" + target + "/path?query#x", "", "pass", codes.OK, "SERVING"},
		{"https means nothing", "https://" + target, "", "pass", codes.OK, "SERVING"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := grpcModule(t, func(p *grpcProbe) { p.Service = test.service })
			res := probeWithin(t, m, 5*time.Second, Request{Target: test.target, Samples: true})
			if got := outcome(res); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if diff := cmp.Diff(grpcValues(test.code, test.serving), steadyValues(t, res)); diff != "" {
				t.Error(diff)
			}
			scheduled := probeWithin(t, m, 5*time.Second, Request{Target: test.target})
			if outcome(scheduled) != test.want || scheduled.Samples != nil {
				t.Errorf("without samples: %q, %d samples", outcome(scheduled), len(scheduled.Samples))
			}
		})
	}
}

// TestGRPCBeforeTheCall: what there is to see when no call was made.
func TestGRPCBeforeTheCall(t *testing.T) {
	unlooked := map[string]float64{
		"probe_grpc_duration_seconds{phase=resolve}": 0, "probe_grpc_ssl": 0, "probe_grpc_status_code": 0,
	}
	unresolved := map[string]float64{"probe_dns_lookup_time_seconds": 0, "probe_ip_protocol": 0, "probe_ip_addr_hash": 0}
	maps.Copy(unresolved, unlooked)
	for _, test := range []struct {
		name, target string
		options      func(p *grpcProbe)
		want         string
		values       map[string]float64
	}{
		{"no URL", "a b", nil, "internal||target is not a valid URL: invalid character \" \" in host name", unlooked},
		{"no host", "http://", nil, "internal||target is a URL without a host", unlooked},
		{
			"unreadable CA", "127.0.0.1:1", func(p *grpcProbe) { p.TLS, p.TLSConfig.CAFile = true, "/nonexistent/ca.pem" },
			"internal||no such file or directory", unlooked,
		},
		{"no such name", "nobody.test", nil, "dns|resolve|looking up nobody.test: no such host", unresolved},
		{
			"no IPv6", "127.0.0.1:1", func(p *grpcProbe) { p.IPProtocolFallback = false },
			"dns|resolve|looking up 127.0.0.1: no IPv6 address", unresolved,
		},
		{"policy", "169.254.169.254", nil, "policy|resolve|the network policy forbids 169.254.169.254: link-local address", unresolved},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := grpcModule(t, test.options)
			m.spec.(*grpcProbe).dialer.resolver = fakeDNS(t, nil)
			res := probeWithin(t, m, 5*time.Second, Request{Target: test.target, Samples: true})
			if got := outcome(res); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if diff := cmp.Diff(test.values, steadyValues(t, res)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGRPCTarget(t *testing.T) {
	for _, test := range []struct {
		target     string
		secure     bool
		host, port string
	}{
		{"example.org", false, "example.org", "80"},
		{"example.org", true, "example.org", "443"},
		{"example.org:50051", true, "example.org", "50051"},
		{"https://example.org", false, "example.org", "80"},
		{"http://example.org:1/a", true, "example.org", "1"},
		{"[::1]", false, "::1", "80"},
		{"[::1]:50051", false, "::1", "50051"},
		{"::1", true, "::1", "443"},
		{"10.0.0.1", false, "10.0.0.1", "80"},
	} {
		host, port, err := grpcTarget(test.target, test.secure)
		if host != test.host || port != test.port || err != nil {
			t.Errorf("%s, %v: %s %s, %v, want %s %s", test.target, test.secure, host, port, err, test.host, test.port)
		}
	}
}

// TestGRPCIPv6: the address that was chosen is the one that is called, be it a
// literal or one of a name that has both.
func TestGRPCIPv6(t *testing.T) {
	testneed.IPv6(t)
	target := serveGRPC(t, "[::1]:0", healthService)
	want := grpcValues(codes.OK, "SERVING")
	want["probe_ip_protocol"], want["probe_ip_addr_hash"] = 6, 1751717746
	_, port, _ := net.SplitHostPort(target)
	m := grpcModule(t, nil)
	m.spec.(*grpcProbe).dialer.resolver = fakeDNS(t, map[string][][]string{"both.test": {{"127.0.0.1", "::1"}}})
	for _, target := range []string{target, "both.test:" + port} {
		res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
		if diff := cmp.Diff(want, steadyValues(t, res)); diff != "" || res.Outcome != health.Pass {
			t.Errorf("%s: %s\n%s", target, outcome(res), diff)
		}
	}
	old := grpcModule(t, func(p *grpcProbe) { p.PreferredIPProtocol = "ip4" })
	old.spec.(*grpcProbe).dialer.resolver = m.spec.(*grpcProbe).dialer.resolver
	res := probeWithin(t, old, 5*time.Second, Request{Target: "both.test:" + port})
	if got := outcome(res); got != "connect|connect|connection refused" {
		t.Errorf("with IPv4 preferred: %q", got)
	}
}

// TestGRPCRequest: what the server sees of us.
func TestGRPCRequest(t *testing.T) {
	type call struct {
		service  string
		md       metadata.MD
		deadline time.Duration
	}
	calls := make(chan call, 1)
	target := serveGRPC(t, "127.0.0.1:0", checkFunc(func(ctx context.Context, req *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		deadline, _ := ctx.Deadline()
		calls <- call{service: req.Service, md: md, deadline: time.Until(deadline)}
		return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
	}).register)
	_, port, _ := net.SplitHostPort(target)
	m := grpcModule(t, func(p *grpcProbe) {
		p.Service = "shop.v1.Cart"
		p.Metadata = map[string][]string{"Authorization": {"Bearer x"}, "tags": {"a", "b"}, "raw-bin": {"\x00\xff"}}
	})
	m.spec.(*grpcProbe).dialer.resolver = fakeDNS(t, map[string][][]string{"shop.test": {{"127.0.0.1"}}})
	res := probeWithin(t, m, 5*time.Second, Request{Target: "shop.test:" + port})
	if res.Outcome != health.Pass {
		t.Fatalf("got %q", outcome(res))
	}
	got := <-calls
	if got.service != "shop.v1.Cart" {
		t.Errorf("service %q", got.service)
	}
	for name, want := range map[string][]string{
		"authorization": {"Bearer x"}, "tags": {"a", "b"}, "raw-bin": {"\x00\xff"}, ":authority": {"shop.test:" + port},
	} {
		if diff := cmp.Diff(want, got.md.Get(name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if agent := strings.Join(got.md.Get("user-agent"), ""); !strings.HasPrefix(agent, "health_exporter/") {
		t.Errorf("user agent %q", agent)
	}
	if got.deadline <= 0 || got.deadline > 5*time.Second {
		t.Errorf("the server has %s left", got.deadline)
	}
}
