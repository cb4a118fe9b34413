package prober

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"
	"github.com/quic-go/quic-go/http3"

	"github.com/health-exporter/health_exporter/health"
)

// serveQUIC answers over HTTP/3 on a port of loopback until the test ends.
func serveQUIC(t testing.TB, options *tls.Config, handler http.HandlerFunc) (addr string) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http3.Server{Handler: handler, TLSConfig: http3.ConfigureTLSConfig(options)}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serving HTTP/3: %v", err)
		}
	})
	t.Cleanup(func() {
		_ = server.Close()
		wg.Wait()
		socket.Close()
	})
	return socket.LocalAddr().String()
}

// http3Module speaks HTTP/3 and trusts the authority.
func http3Module(t testing.TB, ca *authority, set func(p *httpProbe)) *Module {
	t.Helper()
	return httpModule(t, func(p *httpProbe) {
		p.EnableHTTP3, p.Client.EnableHTTP2 = true, false
		p.Client.TLSConfig.CAFile = ca.file
		if set != nil {
			set(p)
		}
	})
}

func TestHTTP3(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(50 * time.Hour).Truncate(time.Second).UTC()
	leaf := ca.issue(t, until, "127.0.0.1", "app.example")
	type seen struct{ Method, Host, URI, SNI, Body, Authorization, Key, AcceptEncoding string }
	got := make(chan seen, 16)
	addr := serveQUIC(t, &tls.Config{Certificates: []tls.Certificate{leaf}}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{
			r.Method, r.Host, r.RequestURI, r.TLS.ServerName, string(body),
			r.Header.Get("Authorization"), r.Header.Get("X-Key"), r.Header.Get("Accept-Encoding"),
		}
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/there", http.StatusFound)
		case "/absolute":
			http.Redirect(w, r, "https://"+r.Host+"/there", http.StatusTemporaryRedirect)
		case "/plain":
			http.Redirect(w, r, "http://"+r.Host+"/there", http.StatusFound)
		case "/404":
			w.WriteHeader(http.StatusNotFound)
		case "/gzip":
			_, _ = w.Write(compressed(t, "gzip", "hello world"))
		default:
			_, _ = io.WriteString(w, "hello world")
		}
	})
	ask := func(path string) seen { return seen{Method: "GET", Host: addr, URI: path} }
	tests := []struct {
		name, target, hostname string
		set                    func(p *httpProbe)
		seen                   []seen
		want                   Result
		values                 map[string]float64
	}{
		{
			name: "plain", target: "https://" + addr + "/a?b=c", seen: []seen{ask("/a?b=c")},
			want: Result{Outcome: health.Pass, StatusCode: 200},
			values: map[string]float64{
				"probe_http_version": 3, "probe_http_ssl": 1, "probe_http_status_code": 200, "probe_http_redirects": 0,
				"probe_http_uncompressed_body_length": 11, "probe_ip_protocol": 4, "probe_ip_addr_hash": 3668918509,
				"probe_ssl_earliest_cert_expiry":                float64(until.Unix()),
				"probe_ssl_last_chain_expiry_timestamp_seconds": float64(until.Unix()),
				"probe_tls_version_info{version=TLS 1.3}":       1,
			},
		},
		{name: "without a scheme", target: addr, seen: []seen{ask("/")}, want: Result{Outcome: health.Pass, StatusCode: 200}},
		{name: "http", target: "http://" + addr, seen: []seen{ask("/")}, want: Result{Outcome: health.Pass, StatusCode: 200}},
		{
			name: "hostname", target: addr, hostname: "app.example", seen: []seen{{Method: "GET", Host: "app.example", URI: "/", SNI: "app.example"}},
			want: Result{Outcome: health.Pass, StatusCode: 200},
		},
		{
			name: "credentials, headers and body", target: addr + "/post", set: func(p *httpProbe) {
				p.Method, p.Body = "POST", "x=1"
				p.Client.BasicAuth = &config.BasicAuth{Username: "u", Password: "p"}
				p.Client.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X-Key": {Secrets: []config.Secret{"k"}}}}
			}, seen: []seen{{Method: "POST", Host: addr, URI: "/post", Body: "x=1", Authorization: "Basic dTpw", Key: "k"}},
			want: Result{Outcome: health.Pass, StatusCode: 200},
		},
		{
			name: "redirect", target: addr + "/redirect", seen: []seen{ask("/redirect"), ask("/there")},
			want: Result{Outcome: health.Pass, StatusCode: 200}, values: map[string]float64{"probe_http_redirects": 1, "probe_http_version": 3},
		},
		{name: "redirect with body and credentials", target: addr + "/absolute", set: func(p *httpProbe) {
			p.Method, p.Body = "POST", "x=1"
			p.Client.BearerToken = "t"
		}, seen: []seen{
			{Method: "POST", Host: addr, URI: "/absolute", Body: "x=1", Authorization: "Bearer t"},
			{Method: "POST", Host: addr, URI: "/there", Body: "x=1", Authorization: "Bearer t"},
		}, want: Result{Outcome: health.Pass, StatusCode: 200}},
		{
			name: "redirect to http", target: addr + "/plain", seen: []seen{ask("/plain")},
			want:   Result{Outcome: health.Fail, Reason: ReasonRedirect, Phase: PhaseCheck, Error: "redirect to http, where there is no HTTP/3"},
			values: map[string]float64{"probe_http_status_code": 0, "probe_http_redirects": 1},
		},
		{name: "unfollowed", target: addr + "/redirect", set: func(p *httpProbe) {
			p.Client.FollowRedirects, p.ValidStatusCodes = false, StatusCodes{{302, 302}}
		}, seen: []seen{ask("/redirect")}, want: Result{Outcome: health.Pass, StatusCode: 302}},
		{
			name: "status", target: addr + "/404", seen: []seen{ask("/404")},
			want: Result{Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 404, want 200-299", StatusCode: 404},
		},
		{name: "compression", target: addr + "/gzip", set: func(p *httpProbe) {
			p.Compression, p.FailIfBodyNotMatches = "gzip", []Regexp{re("^hello world$")}
		}, seen: []seen{ask("/gzip")}, want: Result{Outcome: health.Pass, StatusCode: 200}},
		{
			name: "version as wanted", target: addr, set: func(p *httpProbe) { p.ValidHTTPVersions = []string{"HTTP/3.0"} },
			seen: []seen{ask("/")}, want: Result{Outcome: health.Pass, StatusCode: 200},
		},
		{
			name: "fail_if_ssl", target: addr, set: func(p *httpProbe) { p.FailIfSSL = true }, seen: []seen{ask("/")},
			want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseCheck, Error: "answer came over TLS", StatusCode: 200},
		},
		{name: "a proxy is not for HTTP/3", target: addr, set: func(p *httpProbe) {
			p.Client.ProxyURL, p.SkipResolvePhaseWithProxy = config.URL{URL: mustURL("http://127.0.0.1:1")}, true
		}, seen: []seen{ask("/")}, want: Result{Outcome: health.Pass, StatusCode: 200}, values: map[string]float64{"probe_ip_protocol": 4}},
		{
			name: "wrong name", target: addr, hostname: "no.example",
			want:   Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate is valid for app.example, not no.example"},
			values: map[string]float64{"probe_http_ssl": 0, "probe_http_version": 0, "probe_ssl_earliest_cert_expiry": float64(until.Unix())},
		},
		{
			name: "no TLS 1.3", target: addr, set: func(p *httpProbe) { p.Client.TLSConfig.MaxVersion = config.TLSVersion(tls.VersionTLS12) },
			want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			res := probeWithin(t, http3Module(t, ca, test.set), 5*time.Second, Request{Target: test.target, Hostname: test.hostname, Samples: true})
			checkValues(t, res, test.values)
			checkQUICPhases(t, res)
			res.Samples = nil
			if test.name != "no TLS 1.3" && test.name != "redirect to http" {
				test.want.CertExpiry = until
			}
			if test.want.Error == "" && res.Outcome == health.Fail {
				t.Log(res.Error)
				test.want.Error = res.Error
			}
			if diff := cmp.Diff(test.want, res, ignoreTimes); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var asked []seen
			for len(got) > 0 {
				asked = append(asked, <-got)
			}
			if diff := cmp.Diff(test.seen, asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// checkQUICPhases: there are five of them, and of a good answer none is empty but
// perhaps the last.
func checkQUICPhases(t *testing.T, res Result) {
	t.Helper()
	values := valuesOf(res.Samples)
	for _, phase := range []string{"resolve", "connect", "tls", "processing", "transfer"} {
		took, ok := values["probe_http_duration_seconds{phase="+phase+"}"]
		if !ok || took < 0 || res.StatusCode != 0 && phase != "transfer" && took == 0 {
			t.Errorf("phase %s is %g (there: %v)", phase, took, ok)
		}
	}
}

// A probe goes where the first lookup of the name led to, and nowhere that the
// policy forbids; a redirect to elsewhere is looked up, checked and verified by
// its own name, without what is secret.
func TestHTTP3Addresses(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(time.Hour)
	asked := make(chan string, 8)
	other := serveQUIC(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, until, "other.example")}}, func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.Host + r.URL.Path + " " + r.Header.Get("Authorization") + r.Header.Get("X-Key")
	})
	_, otherPort, _ := net.SplitHostPort(other)
	app := serveQUIC(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, until, "app.example")}}, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Host + r.URL.Path + " " + r.Header.Get("Authorization") + r.Header.Get("X-Key")
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "https://other.example:"+otherPort+"/there", http.StatusFound)
		}
	})
	_, appPort, _ := net.SplitHostPort(app)
	module := func() *Module {
		m := http3Module(t, ca, func(p *httpProbe) {
			p.Client.BearerToken = "secret"
			p.Headers = map[string]string{"X-Key": "key"}
		})
		m.spec.(*httpProbe).dialer.resolver = fakeDNS(t, map[string][][]string{
			"app.example": {{"127.0.0.1"}, {"192.0.2.1"}}, "other.example": {{"127.0.0.1"}},
		})
		return m
	}
	res := probeWithin(t, module(), 5*time.Second, Request{Target: "app.example:" + appPort + "/away"})
	if res.Outcome != health.Pass {
		t.Fatal(res.Error)
	}
	if got, want := <-asked, "app.example:"+appPort+"/away Bearer secretkey"; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
	if got, want := <-asked, "other.example:"+otherPort+"/there "; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
	for name, policy := range map[string]*NetworkPolicy{
		"address": {Deny: []NetworkRule{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}}},
		"name":    {Deny: []NetworkRule{{Host: "app.example"}}},
		"away":    {Deny: []NetworkRule{{Host: "other.example"}}},
	} {
		res := probeWithin(t, module(), 5*time.Second, Request{Target: "app.example:" + appPort + "/away", Network: policy})
		if res.Reason != ReasonPolicy {
			t.Errorf("%s: got %s: %s", name, res.Reason, res.Error)
		}
		if name == "away" {
			<-asked
		}
		if len(asked) > 0 {
			t.Errorf("%s: asked %q", name, <-asked)
		}
	}
}

func TestHTTP3ClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(time.Hour)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	addr := serveQUIC(t, &tls.Config{
		Certificates: []tls.Certificate{ca.issue(t, until, "127.0.0.1")},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: pool,
	}, func(w http.ResponseWriter, r *http.Request) {})
	certFile, keyFile := writeKeyPair(t, ca.issue(t, until, "client"))
	res := probeWithin(t, http3Module(t, ca, func(p *httpProbe) {
		p.Client.TLSConfig.CertFile, p.Client.TLSConfig.KeyFile = certFile, keyFile
	}), 5*time.Second, Request{Target: addr})
	if res.Outcome != health.Pass {
		t.Errorf("with a certificate: %s", res.Error)
	}
	res = probeWithin(t, http3Module(t, ca, nil), 5*time.Second, Request{Target: addr})
	if res.Reason != ReasonTLS || res.Phase != PhaseTLS || !strings.Contains(res.Error, "certificate required") {
		t.Errorf("without one: got %s in %s: %s", res.Reason, res.Phase, res.Error)
	}
}

func TestHTTP3SourceAddress(t *testing.T) {
	ca := newAuthority(t)
	from := make(chan string, 1)
	addr := serveQUIC(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")}},
		func(_ http.ResponseWriter, r *http.Request) { from <- r.RemoteAddr })
	res := probeWithin(t, http3Module(t, ca, func(p *httpProbe) { p.SourceIPAddress = "127.0.0.2" }), 5*time.Second, Request{Target: addr})
	if res.Outcome != health.Pass {
		t.Fatal(res.Error)
	}
	if got := <-from; !strings.HasPrefix(got, "127.0.0.2:") {
		t.Errorf("came from %s", got)
	}
}

// writeKeyPair puts a certificate and its key into files.
func writeKeyPair(t testing.TB, cert tls.Certificate) (certFile, keyFile string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePEM(t, certFile, "CERTIFICATE", cert.Certificate[0])
	writePEM(t, keyFile, "PRIVATE KEY", key)
	return certFile, keyFile
}
