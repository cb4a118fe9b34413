package oracle

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/testport"
)

// listeners are what the probes of TestOracle are made of. Fields are host:port
// unless said otherwise.
type listeners struct {
	ca                                  *authority
	clientCert, clientKey               string // files
	passwordFile, bodyFile, missingFile string // files; the last is not there

	echoed sync.Map // requests (string) by their checksum (float64)

	http, http6, https                     string // URLs
	tls1only, tlsExpired, tlsName, tlsWant string // URLs: HTTP/1.1 only, an expired certificate, another name's, mTLS
	tlsOld                                 string // URL: TLS 1.2 only
	proxy                                  string
	closed                                 string            // nothing listens there
	silent                                 string            // accepts, and never says a word
	hesitant                               string            // accepts, and hangs up after a while
	raw                                    map[string]string // answers an HTTP request in ways of its own

	banner, banner6, mute, dialogue, echoTLS, wantTLS string
	socket                                            string // the path of a unix socket
	dns, dnsTLS                                       string
	grpc, grpcPlain, grpcTLS                          string // with health service, without it, with TLS
}

func startListeners(t *testing.T) *listeners {
	t.Helper()
	dir := t.TempDir()
	l := &listeners{
		ca: newAuthority(t, dir), clientCert: filepath.Join(dir, "client.pem"), clientKey: filepath.Join(dir, "client.key"),
		passwordFile: filepath.Join(dir, "password"), bodyFile: filepath.Join(dir, "body"), missingFile: filepath.Join(dir, "missing"),
		socket: filepath.Join(dir, "socket"),
	}
	writeFile(t, l.passwordFile, "se:cret\n")
	writeFile(t, l.bodyFile, "from a file")
	client := l.ca.issue(t, time.Now().Add(time.Hour), "client")
	key, err := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, l.clientCert, "CERTIFICATE", client.Certificate[0])
	writePEM(t, l.clientKey, "PRIVATE KEY", key)
	l.closed = testport.Reserve(t)
	l.silent = listen(t, "tcp", "127.0.0.1:0", func(conn net.Conn) { waitClosed(conn) })
	l.hesitant = listen(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		conn.SetReadDeadline(time.Now().Add(1500 * time.Millisecond))
		waitClosed(conn)
	})
	l.startHTTP(t)
	l.startTCP(t)
	l.startDNS(t)
	l.startGRPC(t)
	return l
}

func writeFile(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	writeFile(t, file, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	file string // its certificate, in PEM
}

func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority", Organization: []string{"Tests, Ltd"}},
		NotBefore: time.Now().Add(-3 * time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{cert: cert, key: key, pool: x509.NewCertPool(), file: filepath.Join(dir, "ca.pem")}
	a.pool.AddCert(cert)
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

// issue makes a certificate for names and addresses that lasts until then.
func (a *authority) issue(t *testing.T, until time.Time, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x0a0b0c), Subject: pkix.Name{CommonName: "leaf, of " + names[0], Country: []string{"XX"}},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key}
}

// server is the certificate of most listeners.
func (a *authority) server(t *testing.T) tls.Certificate {
	t.Helper()
	return a.issue(t, time.Now().Add(500*time.Hour), "good.example.org", "www.example.org", "localhost", "127.0.0.1", "::1")
}

// listen hands each connection to serve, until the test ends.
func listen(t *testing.T, network, address string, serve func(conn net.Conn)) string {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		open = map[net.Conn]bool{} // guarded by mu
	)
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			wg.Go(func() {
				serve(conn)
				conn.Close()
				mu.Lock()
				delete(open, conn)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for conn := range open {
			conn.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

// waitClosed reads until the other side has closed.
func waitClosed(conn net.Conn) {
	buf := make([]byte, 1024)
	for {
		if _, err := conn.Read(buf); err != nil {
			return
		}
	}
}

// port is that of host:port, or of a URL without a path.
func port(address string) string { return address[strings.LastIndex(address, ":")+1:] }
