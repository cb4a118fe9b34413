package prober

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

// listenTLS makes the handshake for each connection before it hands it to serve.
func listenTLS(t testing.TB, options *tls.Config, serve func(conn net.Conn)) string {
	t.Helper()
	return listen(t, func(conn net.Conn) {
		secure := tls.Server(conn, options)
		if secure.Handshake() == nil {
			serve(secure)
		}
	})
}

// keyPair writes a certificate and its key to files.
func keyPair(t testing.TB, cert tls.Certificate) (certFile, keyFile string) {
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

func TestTCPTLS(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(24 * time.Hour).Truncate(time.Second).UTC()
	past := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	names := make(chan string, 100)
	options := func(cert tls.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{cert}, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			names <- hello.ServerName
			return nil, nil
		}}
	}
	greet := func(conn net.Conn) {
		_, _ = io.WriteString(conn, "hello\n")
		silent(conn)
	}
	good := listenTLS(t, options(ca.issue(t, until, "127.0.0.1", "localhost", "app.example")), greet)
	expired := listenTLS(t, options(ca.issue(t, past, "127.0.0.1")), greet)
	trusting := func(p *tcpProbe) { p.TLS, p.TLSConfig.CAFile = true, ca.file }
	pass := Result{Outcome: health.Pass, CertExpiry: until}
	refused := func(text string, expiry time.Time) Result {
		return Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: text, CertExpiry: expiry}
	}
	for _, test := range []struct {
		name, target, hostname string
		set                    func(p *tcpProbe)
		asked                  string // server name that the peer sees
		version                string
		want                   Result
		names                  string
	}{
		{name: "TLS 1.3", target: good, set: trusting, version: "TLS 1.3", want: pass, names: securedNames},
		{
			name: "TLS 1.2", target: good, set: func(p *tcpProbe) { trusting(p); p.TLSConfig.MaxVersion = config.TLSVersion(tls.VersionTLS12) },
			version: "TLS 1.2", want: pass, names: securedNames,
		},
		{name: "name of the target", target: "LOCALHOST.:" + portOnly(good), set: trusting, asked: "localhost", version: "TLS 1.3", want: pass, names: securedNames},
		{name: "hostname", target: good, hostname: "app.example", set: trusting, asked: "app.example", version: "TLS 1.3", want: pass, names: securedNames},
		{
			name: "server_name wins", target: good, hostname: "no.example", set: func(p *tcpProbe) { trusting(p); p.TLSConfig.ServerName = "app.example" },
			asked: "app.example", version: "TLS 1.3", want: pass, names: securedNames,
		},
		{
			name: "dialogue", target: good, set: func(p *tcpProbe) { trusting(p); p.QueryResponse = []QueryResponse{{Expect: re("hello")}} },
			version: "TLS 1.3", want: pass, names: securedNames,
		},
		{
			name: "insecure_skip_verify", target: expired, set: func(p *tcpProbe) { p.TLS, p.TLSConfig.InsecureSkipVerify = true, true },
			version: "TLS 1.3", want: Result{Outcome: health.Pass, CertExpiry: past}, names: securedNames,
		},
		{
			name: "wrong name", target: good, hostname: "no.example", set: trusting, asked: "no.example",
			want: refused("certificate is valid for localhost, app.example, not no.example", until), names: refusedNames,
		},
		{name: "expired", target: expired, set: trusting, want: refused("certificate has expired", past), names: refusedNames},
		{
			name: "unknown authority", target: good, set: func(p *tcpProbe) { p.TLS = true },
			want: refused("certificate is signed by an unknown authority", until), names: refusedNames,
		},
		{
			name: "version too high", target: listenTLS(t, &tls.Config{MaxVersion: tls.VersionTLS12, GetConfigForClient: options(tls.Certificate{}).GetConfigForClient}, greet),
			set:  func(p *tcpProbe) { trusting(p); p.TLSConfig.MinVersion = config.TLSVersion(tls.VersionTLS13) },
			want: refused("", time.Time{}), names: locatedNames,
		},
		{
			name: "no CA file", target: good, set: func(p *tcpProbe) { p.TLS, p.TLSConfig.CAFile = true, ca.file+"x" }, asked: "-",
			want: Result{Outcome: health.Fail, Reason: ReasonInternal, Phase: PhaseTLS}, names: locatedNames,
		},
		{
			name: "no TLS", target: listen(t, greet), set: trusting, asked: "-",
			want: refused("no TLS: first record does not look like a TLS handshake", time.Time{}), names: locatedNames,
		},
		{
			name: "closed in the handshake", target: listen(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1<<12)) }), set: trusting, asked: "-",
			want: refused("connection closed in the TLS handshake", time.Time{}), names: locatedNames,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := probeWithin(t, tcpModule(t, test.set), 5*time.Second, Request{Target: test.target, Hostname: test.hostname, Samples: true})
			checkResult(t, res, test.want)
			if got := namesOf(res.Samples); got != test.names {
				t.Errorf("metrics %s, want %s", got, test.names)
			}
			asked := "-" // for nothing
			select {
			case asked = <-names:
			default:
			}
			if asked != test.asked {
				t.Errorf("asked for %q, want %q", asked, test.asked)
			}
			if !test.want.CertExpiry.IsZero() {
				checkValues(t, res, map[string]float64{"probe_ssl_earliest_cert_expiry": float64(test.want.CertExpiry.Unix())})
			}
			if test.version != "" {
				checkValues(t, res, map[string]float64{"probe_tls_version_info{version=" + test.version + "}": 1})
			}
		})
	}
}

// A server may want to know who asks.
func TestTCPClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(24 * time.Hour).Truncate(time.Second).UTC()
	clients := x509.NewCertPool()
	clients.AddCert(ca.cert)
	options := &tls.Config{
		Certificates: []tls.Certificate{ca.issue(t, until, "127.0.0.1")},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: clients,
	}
	target := listenTLS(t, options, func(conn net.Conn) { _, _ = io.WriteString(conn, "hello\n") })
	certFile, keyFile := keyPair(t, ca.issue(t, until, "me.example"))
	module := func(version uint16, withKey bool) *Module {
		return tcpModule(t, func(p *tcpProbe) {
			p.TLS, p.TLSConfig.CAFile, p.TLSConfig.MaxVersion = true, ca.file, config.TLSVersion(version)
			if withKey {
				p.TLSConfig.CertFile, p.TLSConfig.KeyFile = certFile, keyFile
			}
			p.QueryResponse = []QueryResponse{{Expect: re("hello")}}
		})
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			res := probeWithin(t, module(version, true), 5*time.Second, Request{Target: target})
			checkResult(t, res, Result{Outcome: health.Pass, CertExpiry: until})
			// With TLS 1.3 the handshake is over before the server has looked at our
			// certificate: the refusal comes instead of an answer.
			want := Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS}
			if version == tls.VersionTLS13 {
				want.Phase, want.CertExpiry = PhaseRequest, until
			}
			checkResult(t, probeWithin(t, module(version, false), 5*time.Second, Request{Target: target}), want)
		})
	}
}

// tap keeps what it reads.
type tap struct {
	net.Conn
	read bytes.Buffer
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.read.Write(p[:n])
	return n, err
}

// A probe that passed takes its leave, or servers would log an attack.
func TestTCPSaysGoodbye(t *testing.T) {
	ca := newAuthority(t)
	options := &tls.Config{
		Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")},
		MaxVersion:   tls.VersionTLS12, // where the type of a record can be seen
	}
	last := make(chan byte, 1)
	target := listen(t, func(conn net.Conn) {
		tapped := &tap{Conn: conn}
		secure := tls.Server(tapped, options)
		if err := secure.Handshake(); err != nil {
			t.Error(err)
		}
		silent(secure)
		var kind byte
		for all := tapped.read.Bytes(); len(all) > 5; all = all[5+int(all[3])<<8+int(all[4]):] {
			kind = all[0]
		}
		last <- kind
	})
	m := tcpModule(t, func(p *tcpProbe) { p.TLS, p.TLSConfig.CAFile = true, ca.file })
	if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
		t.Fatal(res.Error)
	}
	const alert = 21
	if kind := <-last; kind != alert {
		t.Errorf("the last record is of type %d", kind)
	}
}
