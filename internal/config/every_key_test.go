package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// placeOfFiles is where the files stand that examples name.
const placeOfFiles = "/etc/health_exporter/"

// exampleFiles are the files that examples name. The certificate is that of
// 127.0.0.1, and its own CA.
type exampleFiles struct{ dir, cert, key string }

func makeFiles(t *testing.T) *exampleFiles {
	t.Helper()
	f := &exampleFiles{}
	f.cert, f.key = certificate(t)
	f.dir = writeFiles(t, map[string]string{
		"ca.pem": f.cert, "client.pem": f.cert, "client.key": f.key, "username": "probe\n", "password": "secret\n",
		"token": "secret\n", "body.json": `{"query": "up"}`, "modules/more.yml": "modules: {more: {prober: tcp}}",
	})
	return f
}

// placed is an example that names the files where they really are.
func (f *exampleFiles) placed(text string) string {
	return strings.NewReplacer(
		placeOfFiles, f.dir+string(filepath.Separator),
		"CERTIFICATE\n", indented(f.cert), "KEY\n", indented(f.key),
	).Replace(text)
}

// indented is a block of YAML below the deepest key that has one.
func indented(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n          ") + "\n"
}

// certificate is a self-signed one and its key, as PEM.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "probe"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, bytes []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}))
	}
	return block("CERTIFICATE", der), block("PRIVATE KEY", pkcs8)
}

// TestEveryKey loads a file that has every key of every kind, and sees that it
// has: whoever adds a key must add it there.
func TestEveryKey(t *testing.T) {
	raw, err := os.ReadFile("testdata/every-key.yml")
	if err != nil {
		t.Fatal(err)
	}
	text := makeFiles(t).placed(string(raw))
	c, err := parse("testdata/every-key.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range unexpected(c.Warnings(Known{})) {
		t.Errorf("warning: %s", warning)
	}
	found := given(t, text)
	for _, kind := range prober.Kinds() {
		for _, k := range keysOf(typeOfKind(t, kind), kind+".") {
			if !found[k.path] {
				t.Errorf("no module has the key %s", k.path)
			}
		}
	}
	shown := c.Text()
	for _, secret := range []string{"hunter2", "aHVudGVyMg", "PRIVATE KEY"} {
		if strings.Contains(shown, secret) {
			t.Errorf("the secret %s is shown", secret)
		}
	}
}

// unexpected leaves out the warnings that old keys get: they must be shown, too.
func unexpected(warnings []strictyaml.Fault) []strictyaml.Fault {
	return slices.DeleteFunc(warnings, func(w strictyaml.Fault) bool {
		return strings.Contains(w.Detail, "is the old name") || strings.Contains(w.Detail, "take effect for a WebSocket")
	})
}

// TestKnownBlackboxFile loads a file such as blackbox_exporter's users have.
func TestKnownBlackboxFile(t *testing.T) {
	c, err := Load("testdata/blackbox.yml")
	if err != nil {
		t.Fatal(err)
	}
	for module, kind := range map[string]string{
		"http_2xx": "http", "http_post_2xx": "http", "http_header_match": "http", "http_basic_auth": "http",
		"tcp_connect": "tcp", "pop3s_banner": "tcp", "smtp_starttls": "tcp", "ssh_banner": "tcp", "ssh_banner_extract": "tcp",
		"irc_banner": "tcp", "grpc": "grpc", "grpc_plain": "grpc", "grpc_service": "grpc",
		"icmp": "icmp", "icmp_ttl5": "icmp", "dns_udp": "dns", "dns_soa": "dns", "unix_banner": "unix", "websocket": "websocket",
	} {
		if got, ok := c.KindOf(module); !ok || string(got) != kind {
			t.Errorf("module %s is of kind %q, want %q", module, got, kind)
		}
	}
	if got := c.Modules["icmp_ttl5"].Timeout(); got != 5*time.Second {
		t.Errorf("timeout %v", got)
	}
}
