package cli

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"go.uber.org/goleak"

	"github.com/health-exporter/health_exporter/internal/app"
	"github.com/health-exporter/health_exporter/internal/testport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// written is a file with a text.
func written(t *testing.T, name, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// exporter runs a whole exporter until stop, and gives its address.
func exporter(t *testing.T, config, webConfig, storage string) (address string, stop func()) {
	t.Helper()
	address = testport.Reserve(t)
	opts := app.Options{
		StoragePath: storage, Log: slog.New(slog.DiscardHandler),
		Web: &web.FlagConfig{WebListenAddresses: &[]string{address}, WebSystemdSocket: new(bool), WebConfigFile: &webConfig},
	}
	if config != "" {
		opts.ConfigFile = written(t, "health_exporter.yml", config)
	}
	a, err := app.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if answers(t, address, webConfig != "") {
			return address, stop
		}
		if time.Now().After(deadline) {
			t.Fatal("it is not ready within 20 s")
		}
	}
}

// answers reports whether the exporter has loaded everything. One that asks for a certificate
// has done so when it listens: its tests have next to nothing to load.
func answers(t *testing.T, address string, secured bool) bool {
	t.Helper()
	if secured {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/-/ready", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// screen is a terminal whose text can be read.
type screen struct {
	Terminal
	out, err bytes.Buffer
}

func newScreen(json bool) *screen {
	s := &screen{}
	s.Terminal = Terminal{Out: &s.out, Err: &s.err, JSON: json}
	return s
}

// expect reports whether a command has ended as it should, and said all of these.
func (s *screen) expect(t *testing.T, wantCode, code int, says ...string) {
	t.Helper()
	all := s.out.String() + s.err.String()
	if code != wantCode {
		t.Errorf("exit code %d, want %d; it says\n%s", code, wantCode, all)
	}
	for _, want := range says {
		if !strings.Contains(all, want) {
			t.Errorf("it does not say %q:\n%s", want, all)
		}
	}
	s.out.Reset()
	s.err.Reset()
}

// service is something to probe, well until it is broken.
func service(t *testing.T) (url string, breakIt func()) {
	broken := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-broken:
			w.WriteHeader(http.StatusTeapot)
		default:
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func() { close(broken) }
}

// secured are the files of an exporter with TLS and the user "me" with the password.
func secured(t *testing.T) (webConfig, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(name, kind string, bytes []byte) string {
		return written(t, name, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})))
	}
	caFile = block("cert.pem", "CERTIFICATE", der)
	return written(t, "web.yml", fmt.Sprintf(`
tls_server_config: {cert_file: %s, key_file: %s}
basic_auth_users: {me: %s}
`, caFile, block("key.pem", "PRIVATE KEY", pkcs8), passwordHash)), caFile
}

const password, passwordHash = "opens-it-and-is-long", "$2a$04$tWm5/G/mh2GTUdwOaaOP2uvaISENIDGDNJlaOZ2Sy.itsdQJK9EdG"
