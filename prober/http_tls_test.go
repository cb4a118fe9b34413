package prober

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

func TestHTTPTLS(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(24 * time.Hour).Truncate(time.Second).UTC()
	past := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	proto := make(chan string, 10)
	handler := func(_ http.ResponseWriter, r *http.Request) { proto <- r.TLS.ServerName + " " + r.Proto }
	leaf := ca.issue(t, until, "127.0.0.1", "app.example")
	target := serveTLS(t, leaf, true, handler)
	expired := serveTLS(t, ca.issue(t, past, "127.0.0.1"), false, handler)
	trusting := func(p *httpProbe) { p.Client.TLSConfig.CAFile = ca.file }
	sum := sha256.Sum256(leaf.Certificate[0])
	info := "probe_ssl_last_chain_info{fingerprint_sha256=" + hex.EncodeToString(sum[:]) +
		",issuer=CN=test authority,serialnumber=0abc,subject=CN=leaf,subjectalternative=app.example}"
	tlsValues := map[string]float64{
		"probe_http_ssl": 1, "probe_ssl_earliest_cert_expiry": float64(until.Unix()),
		"probe_ssl_last_chain_expiry_timestamp_seconds": float64(until.Unix()), info: 1,
		"probe_tls_version_info{version=TLS 1.3}": 1, "probe_tls_cipher_info{cipher=TLS_AES_128_GCM_SHA256}": 1,
	}
	// A certificate that we refuse is shown nevertheless, and nothing else of TLS.
	refusedValues := map[string]float64{
		"probe_http_ssl": 0, "probe_ssl_earliest_cert_expiry": float64(until.Unix()), info: 1,
		"probe_ssl_last_chain_expiry_timestamp_seconds": absent, "probe_tls_version_info{version=TLS 1.3}": absent,
	}
	expiredValues := map[string]float64{"probe_http_ssl": 0, "probe_ssl_earliest_cert_expiry": float64(past.Unix())}
	tests := []struct {
		name, target, hostname string
		set                    func(p *httpProbe)
		proto                  string
		want                   Result
		values                 map[string]float64
	}{
		{name: "HTTP/2", target: target, set: trusting, proto: " HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}, values: tlsValues},
		{name: "HTTP/1.1", target: target, set: func(p *httpProbe) { trusting(p); p.Client.EnableHTTP2 = false }, proto: " HTTP/1.1", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}, values: tlsValues},
		{name: "hostname", target: target, hostname: "app.example:443", set: trusting, proto: "app.example HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "Host header", target: target, set: func(p *httpProbe) { trusting(p); p.Headers = map[string]string{"host": "app.example"} }, proto: "app.example HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "server_name", target: target, hostname: "x.example", set: func(p *httpProbe) { trusting(p); p.Client.TLSConfig.ServerName = "app.example" }, proto: "app.example HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{
			name: "insecure_skip_verify", target: target, set: func(p *httpProbe) { p.Client.TLSConfig.InsecureSkipVerify = true }, proto: " HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until},
			values: map[string]float64{"probe_ssl_last_chain_expiry_timestamp_seconds": -62135596800, info: 1},
		},
		{
			name: "TLS 1.2", target: target, set: func(p *httpProbe) { trusting(p); p.Client.TLSConfig.MaxVersion = config.TLSVersion(tls.VersionTLS12) }, proto: " HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until},
			values: map[string]float64{"probe_tls_version_info{version=TLS 1.2}": 1},
		},
		{name: "fail_if_ssl", target: target, set: func(p *httpProbe) { trusting(p); p.FailIfSSL = true }, proto: " HTTP/2.0", want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseCheck, Error: "answer came over TLS", StatusCode: 200, CertExpiry: until}},
		{name: "fail_if_not_ssl", target: target, set: func(p *httpProbe) { trusting(p); p.FailIfNotSSL = true }, proto: " HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "valid_http_versions", target: target, set: func(p *httpProbe) { trusting(p); p.ValidHTTPVersions = []string{"HTTP/2.0"} }, proto: " HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}, values: map[string]float64{"probe_http_version": 2}},
		{name: "unknown authority", target: target, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate is signed by an unknown authority", CertExpiry: until}, values: refusedValues},
		{name: "expired", target: expired, set: trusting, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate has expired", CertExpiry: past}, values: expiredValues},
		{name: "wrong name", target: target, hostname: "no.example", set: trusting, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate is valid for app.example, not no.example", CertExpiry: until}, values: refusedValues},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			res := probeWithin(t, httpModule(t, test.set), 5*time.Second, Request{Target: test.target, Hostname: test.hostname, Samples: true})
			checkValues(t, res, test.values)
			res.Samples = nil
			if diff := cmp.Diff(test.want, res, ignoreTimes); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if test.proto != "" {
				if got := <-proto; got != test.proto {
					t.Errorf("server name and protocol are %q, want %q", got, test.proto)
				}
			}
		})
	}
}

func TestHTTPRedirectElsewhereIsVerifiedByItsOwnName(t *testing.T) {
	ca := newAuthority(t)
	second := serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "two.example"), true, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(second, "https://"))
	first := serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "one.example"), true, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://two.example:"+port, http.StatusFound)
	})
	m := httpModule(t, func(p *httpProbe) { p.Client.TLSConfig.CAFile, p.Client.TLSConfig.ServerName = ca.file, "one.example" })
	m.spec.(*httpProbe).dialer.resolver = fakeDNS(t, map[string][][]string{"two.example": {{"127.0.0.1"}}})
	res := probeWithin(t, m, 5*time.Second, Request{Target: first, Samples: true})
	if res.Outcome != health.Pass {
		t.Fatal(res.Error)
	}
	v := valuesOf(res.Samples)
	for _, phase := range []string{"resolve", "connect", "tls", "processing", "transfer"} {
		if d := v["probe_http_duration_seconds{phase="+phase+"}"]; d <= 0 || d > 5 {
			t.Errorf("phase %s took %g s", phase, d)
		}
	}
}

func TestHTTPClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	dir := t.TempDir()
	client := ca.issue(t, time.Now().Add(time.Hour), "client.example")
	key, err := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePEM(t, certFile, "CERTIFICATE", client.Certificate[0])
	writePEM(t, keyFile, "PRIVATE KEY", key)

	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].DNSNames[0])
	}))
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a handshake without a certificate is expected
	server.StartTLS()
	defer server.Close()

	ca64, _ := os.ReadFile(ca.file)
	m := httpModule(t, func(p *httpProbe) {
		p.Client.TLSConfig = config.TLSConfig{CA: string(ca64), CertFile: certFile, KeyFile: keyFile}
		p.FailIfBodyNotMatches = []Regexp{re("^client.example$")}
	})
	if res := probeWithin(t, m, 5*time.Second, Request{Target: server.URL}); res.Outcome != health.Pass {
		t.Errorf("files: %s", res.Error)
	}
	m = httpModule(t, func(p *httpProbe) {
		p.Client.TLSConfig = config.TLSConfig{
			CAFile: ca.file,
			Cert:   string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: client.Certificate[0]})),
			Key:    config.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		}
	})
	if res := probeWithin(t, m, 5*time.Second, Request{Target: server.URL}); res.Outcome != health.Pass {
		t.Errorf("inline: %s", res.Error)
	}
	m = httpModule(t, func(p *httpProbe) { p.Client.TLSConfig.CAFile = ca.file })
	if res := probeWithin(t, m, 5*time.Second, Request{Target: server.URL}); res.Reason != ReasonTLS {
		t.Errorf("without: got %s: %s", res.Reason, res.Error)
	}
}
