package prober

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// opensslServer starts openssl s_server with more options on a port of loopback.
func opensslServer(t *testing.T, options ...string) (address string) {
	t.Helper()
	program := testneed.Program(t, "openssl", "openssl")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	var log bytes.Buffer
	cmd := exec.Command(program, append([]string{"s_server", "-accept", address, "-quiet"}, options...)...)
	cmd.Stdout, cmd.Stderr = &log, &log
	stdin, err := cmd.StdinPipe() // at whose end it would stop
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("openssl: %s", log.String())
		}
	})
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return address
		}
	}
	t.Fatalf("openssl does not listen: %s", log.String())
	return ""
}

// rsaPair has openssl make a key of RSA and a certificate, as old devices have them.
func rsaPair(t *testing.T) (cert, key string) {
	t.Helper()
	program := testneed.Program(t, "openssl", "openssl")
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	out, err := exec.Command(program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=printer",
		"-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %s", err, out)
	}
	return cert, key
}

// An old device speaks nothing that is safe. Who wants to see it nevertheless says so.
func TestSuitesOfOldDevices(t *testing.T) {
	cert, key := rsaPair(t)
	for name, options := range map[string][]string{
		"RSA key exchange": {"-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"},
		"RSA with GCM":     {"-tls1_2", "-cipher", "AES256-GCM-SHA384"},
		"CBC with SHA-256": {"-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"},
		"TLS 1.0":          {"-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"},
		"TLS 1.1":          {"-tls1_1", "-cipher", "ECDHE-RSA-AES256-SHA:@SECLEVEL=0"},
	} {
		target := opensslServer(t, append([]string{"-cert", cert, "-key", key, "-www"}, options...)...)
		for _, legacy := range []bool{false, true} {
			for _, kind := range []string{"http", "health", "tcp", "websocket", "grpc", "dns"} {
				m := moduleOf(t, kind, func(s spec) {
					switch p := s.(type) {
					case *httpProbe:
						p.TLSLegacy, p.Client.TLSConfig.CAFile, p.Client.EnableHTTP2 = legacy, cert, false
					case *healthProbe:
						p.TLSLegacy, p.Client.TLSConfig.CAFile = legacy, cert
					case *tcpProbe:
						p.TLSLegacy, p.TLSConfig.CAFile, p.TLS = legacy, cert, true
					case *websocketProbe:
						p.TLSLegacy, p.Client.TLSConfig.CAFile = legacy, cert
					case *grpcProbe:
						p.TLSLegacy, p.TLSConfig.CAFile, p.TLS = legacy, cert, true
					case *dnsProbe:
						p.TLSLegacy, p.TLSConfig.CAFile, p.TransportProtocol = legacy, cert, "https"
					}
				})
				place := map[string]string{"http": "https://", "health": "https://", "websocket": "wss://"}[kind] + target
				patience := map[bool]time.Duration{false: 5 * time.Second, true: time.Second}[legacy] // it answers GET only
				res := probeWithin(t, m, patience, Request{Target: place})
				if secured := !res.CertExpiry.IsZero(); secured != legacy || !legacy && res.Reason != ReasonTLS {
					t.Errorf("%s, %s, legacy %v: %+v", name, kind, legacy, res)
				}
			}
		}
	}
}

// crossSigned is a server's chain as it was served by half of the web in 2021: beside
// the valid path to the new root an expired signature of the old one.
func crossSigned(t *testing.T, leafUntil, intermediateUntil time.Time) (chain tls.Certificate, rootFile string) {
	t.Helper()
	serial := int64(100)
	sign := func(subject, issuer string, until time.Time, key, by *ecdsa.PrivateKey, isCA bool) []byte {
		serial++
		template := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: subject},
			NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: until, IsCA: isCA, BasicConstraintsValid: true,
		}
		if isCA {
			template.KeyUsage = x509.KeyUsageCertSign
		} else {
			template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
			template.DNSNames, template.IPAddresses = []string{"cross.example"}, []net.IP{net.IPv4(127, 0, 0, 1)}
		}
		parent := &x509.Certificate{Subject: pkix.Name{CommonName: issuer}}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	var keys [4]*ecdsa.PrivateKey
	for i := range keys {
		keys[i], _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	newRoot, oldRoot, intermediate, leaf := keys[0], keys[1], keys[2], keys[3]
	expired := time.Now().Add(-time.Hour)
	root := sign("new root", "new root", time.Now().Add(5000*time.Hour), newRoot, newRoot, true)
	chain = tls.Certificate{PrivateKey: leaf, Certificate: [][]byte{
		sign("leaf", "intermediate", leafUntil, leaf, intermediate, false),
		sign("intermediate", "new root", intermediateUntil, intermediate, newRoot, true),
		sign("new root", "old root", expired, newRoot, oldRoot, true),
	}}
	rootFile = filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(rootFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), 0o600); err != nil {
		t.Fatal(err)
	}
	return chain, rootFile
}

// The expiry that is warned of is that of the chain that was verified.
func TestExpiryBesideAnExpiredCrossSignature(t *testing.T) {
	near, far := time.Now().Add(48*time.Hour).Truncate(time.Second).UTC(), time.Now().Add(480*time.Hour).Truncate(time.Second).UTC()
	for name, until := range map[string][2]time.Time{"leaf": {near, far}, "intermediate": {far, near}} {
		chain, root := crossSigned(t, until[0], until[1])
		target := strings.TrimPrefix(serveTLS(t, chain, true, http.NotFound), "https://")
		for _, verify := range []bool{true, false} {
			for _, kind := range []string{"http", "health", "tcp", "websocket", "grpc", "dns"} {
				m := moduleOf(t, kind, func(s spec) {
					switch p := s.(type) {
					case *httpProbe:
						p.Client.TLSConfig.CAFile, p.Client.TLSConfig.InsecureSkipVerify = root, !verify
					case *healthProbe:
						p.Client.TLSConfig.CAFile, p.Client.TLSConfig.InsecureSkipVerify = root, !verify
					case *tcpProbe:
						p.TLS, p.TLSConfig.CAFile, p.TLSConfig.InsecureSkipVerify = true, root, !verify
					case *websocketProbe:
						p.Client.TLSConfig.CAFile, p.Client.TLSConfig.InsecureSkipVerify = root, !verify
					case *grpcProbe:
						p.TLS, p.TLSConfig.CAFile, p.TLSConfig.InsecureSkipVerify = true, root, !verify
					case *dnsProbe:
						p.TransportProtocol, p.TLSConfig.CAFile, p.TLSConfig.InsecureSkipVerify = "https", root, !verify
					}
				})
				place := map[string]string{"http": "https://", "health": "https://", "websocket": "wss://"}[kind] + target
				res := probeWithin(t, m, 5*time.Second, Request{Target: place, Samples: true})
				want := near
				if !verify { // nothing says which of the certificates count
					want = time.Now().Add(-time.Hour)
				}
				if diff := res.CertExpiry.Sub(want).Abs(); diff > 10*time.Minute {
					t.Errorf("%s, %s, verified %v: expires %s, want %s: %+v", name, kind, verify, res.CertExpiry, want, res)
				}
				if verify && (kind == "http" || kind == "tcp") {
					checkValues(t, res, map[string]float64{"probe_ssl_last_chain_expiry_timestamp_seconds": float64(near.Unix())})
				}
			}
		}
	}
}

// openssl as a server that wants a certificate says no when the handshake is over.
func TestRealServerThatWantsACertificate(t *testing.T) {
	cert, key := rsaPair(t)
	module := func(with bool) *Module {
		return tcpModule(t, func(p *tcpProbe) {
			p.TLS, p.TLSConfig.CAFile = true, cert
			if with {
				p.TLSConfig.CertFile, p.TLSConfig.KeyFile = cert, key
			}
		})
	}
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		target := opensslServer(t, "-cert", cert, "-key", key, version, "-Verify", "1", "-CAfile", cert, "-verify_return_error")
		if res := probeWithin(t, module(false), 5*time.Second, Request{Target: target}); res.Reason != ReasonTLS {
			t.Errorf("%s without: %+v", version, res)
		}
		if res := probeWithin(t, module(true), 5*time.Second, Request{Target: target}); res.Outcome != health.Pass || res.Duration > verdictPatience {
			t.Errorf("%s with: %+v", version, res)
		}
	}
}
