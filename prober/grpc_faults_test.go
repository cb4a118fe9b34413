package prober

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// TestGRPCWithoutBlock: a module without options falls back to IPv4, as others do.
func TestGRPCWithoutBlock(t *testing.T) {
	m, err := NewModule(ModuleSource{Kind: "grpc"})
	if err != nil {
		t.Fatal(err)
	}
	res := probeWithin(t, m, 5*time.Second, Request{Target: serveGRPC(t, "127.0.0.1:0", healthService)})
	if res.Outcome != health.Pass {
		t.Errorf("got %q", outcome(res))
	}
}

func TestGRPCSourceAddress(t *testing.T) {
	from := make(chan net.Addr, 1)
	target := listen(t, func(conn net.Conn) { from <- conn.RemoteAddr() })
	m := grpcModule(t, func(p *grpcProbe) { p.SourceIPAddress = "127.0.0.2" })
	probeWithin(t, m, 5*time.Second, Request{Target: target})
	if addr := netip.MustParseAddrPort((<-from).String()); addr.Addr().String() != "127.0.0.2" {
		t.Errorf("called from %s", addr)
	}
}

func TestGRPCFaults(t *testing.T) {
	_, err := NewModule(ModuleSource{Kind: "grpc", Decode: func(into any) error {
		p := into.(*grpcProbe)
		p.Resolver = "nowhere"
		p.TLSConfig.CertFile = "cert.pem"
		return nil
	}})
	if err == nil {
		t.Fatal("was accepted")
	}
	for _, want := range []string{"resolver: ", "tls_config: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %q", want, err)
		}
	}
}

// Metadata that cannot be sent is not a fault: a file with it loads, and the probe says why
// it fails.
func TestGRPCBadMetadata(t *testing.T) {
	m := grpcModule(t, func(p *grpcProbe) {
		p.Metadata = map[string][]string{"a b": nil, "grpc-timeout": {"1S"}, "note": {"a\nb"}, "note-bin": {"a\nb"}, "X-Fine_1.0": {"a b"}}
	})
	var got []string
	for _, warning := range m.Warnings() {
		got = append(got, warning.Path)
	}
	if want := []string{"metadata.a b", "metadata.grpc-timeout", "metadata.note"}; !slices.Equal(got, want) {
		t.Errorf("warnings of %q, want %q", got, want)
	}
	res := m.Probe(t.Context(), Request{Target: "127.0.0.1:1"})
	if res.Reason != ReasonInternal || !strings.HasPrefix(res.Error, "metadata \"") {
		t.Errorf("%q: %s", res.Reason, res.Error)
	}
}
