package prober

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpccreds "google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/health-exporter/health_exporter/health"
)

// pool has this authority only.
func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func TestGRPCOverTLS(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	expired := time.Now().Add(-time.Hour).Truncate(time.Second)
	serve := func(options *tls.Config) string {
		return serveGRPC(t, "127.0.0.1:0", healthService, grpc.Creds(grpccreds.NewTLS(options)))
	}
	good := ca.issue(t, until, "127.0.0.1", "grpc.test")
	of := func(cert tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{cert}} }
	old, mutual, mutualOld := of(good), of(good), of(good)
	old.MaxVersion = tls.VersionTLS12
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, ca.pool()
	mutualOld.ClientAuth, mutualOld.ClientCAs, mutualOld.MaxVersion = tls.RequireAndVerifyClientCert, ca.pool(), tls.VersionTLS12
	certFile, keyFile := writeKeyPair(t, ca.issue(t, time.Now().Add(time.Hour)))
	trusting := func(p *grpcProbe) { p.TLSConfig.CAFile = ca.file }
	known := func(p *grpcProbe) {
		p.TLSConfig.CAFile, p.TLSConfig.CertFile, p.TLSConfig.KeyFile = ca.file, certFile, keyFile
	}
	plain := serveGRPC(t, "127.0.0.1:0", healthService)
	secure := serve(of(good))
	handshaking := func(options *tls.Config) string {
		return listen(t, func(conn net.Conn) {
			if conn := tls.Server(conn, options); conn.Handshake() == nil {
				silent(conn)
			}
		})
	}

	for _, test := range []struct {
		name, target string
		options      func(p *grpcProbe)
		want         string
		version      string // of TLS, if the call succeeded
		expiry       time.Time
		refused      bool // the certificate
	}{
		{"TLS 1.3", secure, trusting, "pass", "TLS 1.3", until, false},
		{"TLS 1.2", serve(old), trusting, "pass", "TLS 1.2", until, false},
		{"by name", "grpc.test:" + portOnly(secure), trusting, "pass", "TLS 1.3", until, false},
		{"server_name", "other.test:" + portOnly(secure), func(p *grpcProbe) {
			trusting(p)
			p.TLSConfig.ServerName = "grpc.test"
		}, "pass", "TLS 1.3", until, false},
		{"not verified", secure, func(p *grpcProbe) { p.TLSConfig.InsecureSkipVerify = true }, "pass", "TLS 1.3", until, false},
		{"not serving", secure, func(p *grpcProbe) { trusting(p); p.Service = "down" }, "status|check|service is NOT_SERVING, want SERVING", "TLS 1.3", until, false},
		{"mutual", serve(mutual), known, "pass", "TLS 1.3", until, false},
		{"mutual, TLS 1.2", serve(mutualOld), known, "pass", "TLS 1.2", until, false},
		{"call fails", secure, func(p *grpcProbe) { trusting(p); p.Service = "nobody" }, "status|check|call failed with code NotFound: unknown service", "", until, false},
		{"unknown authority", secure, nil, "tls|tls|certificate is signed by an unknown authority", "", until, true},
		{
			"wrong name", "other.test:" + portOnly(secure), trusting,
			"tls|tls|certificate is valid for grpc.test, not other.test", "", until, true,
		},
		{"expired", serve(of(ca.issue(t, expired, "127.0.0.1"))), trusting, "tls|tls|certificate has expired", "", expired, true},
		{"no certificate of ours", serve(mutual), trusting, "tls|tls|certificate required", "", until, false},
		{"no certificate of ours, TLS 1.2", serve(mutualOld), trusting, "tls|tls|handshake failure", "", time.Time{}, false},
		{"server without TLS", plain, trusting, "tls|tls|no TLS: first record does not look like a TLS handshake", "", time.Time{}, false},
		{"server without ALPN", handshaking(of(good)), trusting, "tls|tls|server does not offer HTTP/2 (ALPN)", "", until, false},
		{
			"TLS we do not want", serve(old), func(p *grpcProbe) { trusting(p); p.TLSConfig.MinVersion = tls.VersionTLS13 },
			"tls|tls|protocol version not supported", "",
			time.Time{},
			false,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := grpcModule(t, func(p *grpcProbe) {
				p.TLS = true
				if test.options != nil {
					test.options(p)
				}
			})
			m.spec.(*grpcProbe).dialer.resolver = fakeDNS(t, map[string][][]string{"grpc.test": {{"127.0.0.1"}}, "other.test": {{"127.0.0.1"}}})
			res := probeWithin(t, m, 5*time.Second, Request{Target: test.target, Samples: true})
			if got := outcome(res); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if !res.CertExpiry.Equal(test.expiry) {
				t.Errorf("CertExpiry is %s, want %s", res.CertExpiry, test.expiry)
			}
			checkTLSValues(t, res, test.version, test.expiry, test.refused)
		})
	}
}

// checkTLSValues checks which of the metrics of TLS there are: all after a call
// over that version, those of the certificates if we refused them, else none.
func checkTLSValues(t *testing.T, res Result, version string, expiry time.Time, refused bool) {
	t.Helper()
	want := map[string]float64{"probe_grpc_ssl": 0}
	if version != "" {
		want["probe_grpc_ssl"], want["probe_tls_version_info{version="+version+"}"] = 1, 1
	}
	if version != "" || refused {
		want["probe_ssl_earliest_cert_expiry"], want["probe_ssl_last_chain_info"] = float64(expiry.Unix()), 1
	}
	got := map[string]float64{}
	for _, s := range res.Samples {
		switch s.Name {
		case "probe_ssl_last_chain_info":
			got[s.Name] = s.Value
		case "probe_grpc_ssl", "probe_ssl_earliest_cert_expiry", "probe_tls_version_info",
			"probe_tls_cipher_info", "probe_ssl_last_chain_expiry_timestamp_seconds":
			maps.Copy(got, valuesOf([]Sample{s}))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	code := codes.Unavailable
	if version != "" {
		code = codes.OK
	} else if res.Reason == ReasonStatus {
		code = codes.NotFound
	}
	checkValues(t, res, map[string]float64{"probe_grpc_status_code": float64(code)})
}

// TestGRPCAuthority: over TLS, the server is called by the name it must prove to
// be, an address in brackets.
func TestGRPCAuthority(t *testing.T) {
	ca := newAuthority(t)
	asked := make(chan []string, 1)
	check := checkFunc(func(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		asked <- md.Get(":authority")
		return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
	})
	cert := ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1", "::1", "grpc.test", "other.test")
	m := grpcModule(t, func(p *grpcProbe) { p.TLS, p.TLSConfig.CAFile = true, ca.file })
	m.spec.(*grpcProbe).dialer.resolver = fakeDNS(t, map[string][][]string{"grpc.test": {{"127.0.0.1"}}})
	other := grpcModule(t, func(p *grpcProbe) {
		p.TLS, p.TLSConfig.CAFile, p.TLSConfig.ServerName = true, ca.file, "other.test"
	})
	calls := func(m *Module, target, want string) {
		t.Helper()
		res := probeWithin(t, m, 5*time.Second, Request{Target: target})
		if res.Outcome != health.Pass {
			t.Fatalf("%s: got %q", target, outcome(res))
		}
		if diff := cmp.Diff([]string{want}, <-asked); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
	}
	secure := grpc.Creds(grpccreds.NewServerTLSFromCert(&cert))
	target := serveGRPC(t, "127.0.0.1:0", check.register, secure)
	calls(m, "grpc.test:"+portOnly(target), "grpc.test")
	calls(m, target, "127.0.0.1")
	calls(other, target, "other.test")
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil { // there is IPv6
		l.Close()
		calls(m, serveGRPC(t, "[::1]:0", check.register, secure), "[::1]")
	}
}

// TestGRPCPlainToTLS: a server that wants TLS is told from one that is down.
func TestGRPCPlainToTLS(t *testing.T) {
	cert := newAuthority(t).issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	target := serveGRPC(t, "127.0.0.1:0", healthService, grpc.Creds(grpccreds.NewServerTLSFromCert(&cert)))
	res := probeWithin(t, grpcModule(t, nil), 5*time.Second, Request{Target: target, Samples: true})
	if diff := cmp.Diff(grpcValues(codes.Unavailable, ""), steadyValues(t, res)); diff != "" {
		t.Error(diff)
	}
	if got := outcome(res); !strings.HasPrefix(got, "connect|request|connection ") { // closed or reset
		t.Errorf("got %q", got)
	}
}

// TestFixedDeadline: crypto/tls cannot take more time than there is to say
// goodbye to a peer that reads nothing.
func TestFixedDeadline(t *testing.T) {
	ca := newAuthority(t)
	near, far := net.Pipe() // nothing is written that nobody reads
	defer far.Close()
	var peer sync.WaitGroup
	defer peer.Wait()
	peer.Go(func() {
		options := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "pipe.test")}, MaxVersion: tls.VersionTLS12}
		_ = tls.Server(far, options).Handshake()
	})
	conn, err := handshake(fixedDeadline{near}, &tls.Config{RootCAs: ca.pool(), ServerName: "pipe.test"})
	if err != nil {
		t.Fatal(err)
	}
	_ = near.SetDeadline(time.Now().Add(50 * time.Millisecond))
	begin := time.Now()
	_ = conn.Close()
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("took %s to hang up", took)
	}
}
