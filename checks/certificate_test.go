package checks_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
)

// certificate makes a certificate, in DER, that is valid from and until so many
// days from now.
func certificate(t *testing.T, name string, from, until float64) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	after := func(days float64) time.Time {
		return time.Now().Add(time.Duration(days * 24 * float64(time.Hour)))
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: after(from), NotAfter: after(until),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func inPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestCertificateFile(t *testing.T) {
	leaf, middle := certificate(t, "leaf", -1, 60.01), certificate(t, "middle", -1, 30.01)
	chain := bytes.Join([][]byte{[]byte("some words\n"), inPEM("PRIVATE KEY", []byte("not looked at")), inPEM("CERTIFICATE", leaf), inPEM("CERTIFICATE", middle)}, nil)
	tests := []struct {
		name    string
		content []byte
		check   checks.CertificateFile
		outcome health.Outcome
		output  string
	}{
		{"chain", chain, checks.CertificateFile{}, health.Pass, `^certificate "middle" expires in 30.0 days$`},
		{"chain warns", chain, checks.CertificateFile{WarnLeft: 31 * 24 * time.Hour}, health.Warn, `^certificate "middle" expires in 30.0 days$`},
		{"chain fails", chain, checks.CertificateFile{MinLeft: 31 * 24 * time.Hour}, health.Fail, `^certificate "middle" expires in 30.0 days$`},
		{"DER", leaf, checks.CertificateFile{}, health.Pass, `^certificate "leaf" expires in 60.0 days$`},
		{"two in DER", append(bytes.Clone(leaf), middle...), checks.CertificateFile{}, health.Pass, `"middle" expires in 30.0 days$`},
		{"default warns", certificate(t, "a", -1, 20.01), checks.CertificateFile{}, health.Warn, `20.0 days`},
		{"default fails", certificate(t, "a", -1, 6.01), checks.CertificateFile{}, health.Fail, `6.0 days`},
		{"expired", certificate(t, "a", -9, -2), checks.CertificateFile{}, health.Fail, `^certificate "a" expired 2.0 days ago$`},
		{"not yet", certificate(t, "a", 1, 60), checks.CertificateFile{}, health.Fail, `^certificate "a" is not valid before 20`},
		{"no name", certificate(t, "", -1, 60.01), checks.CertificateFile{}, health.Pass, `^certificate "" expires`},
		{"key alone", inPEM("PRIVATE KEY", []byte("x")), checks.CertificateFile{}, health.Fail, `: there is no certificate in it$`},
		{"damaged", inPEM("CERTIFICATE", leaf[:100]), checks.CertificateFile{}, health.Fail, `: certificate 1: x509: `},
		{"rubbish", []byte("rubbish"), checks.CertificateFile{}, health.Fail, `: x509: `},
		{"empty", nil, checks.CertificateFile{}, health.Fail, `: the file is empty$`},
		{"huge", bytes.Repeat([]byte{'x'}, 1<<20+1), checks.CertificateFile{}, health.Fail, ` is not a regular file of at most 1.0 MiB$`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.check.Path = filepath.Join(t.TempDir(), "cert")
			if err := os.WriteFile(tt.check.Path, tt.content, 0o600); err != nil {
				t.Fatal(err)
			}
			got := run(t, tt.check.Run)
			if got.Outcome != tt.outcome || !regexp.MustCompile(tt.output).MatchString(got.Output.(string)) {
				t.Errorf("got %s %q\nwant %s %q", got.Outcome, got.Output, tt.outcome, tt.output)
			}
			if tt.name == "chain" {
				leaf, all := observed(t, got, "daysLeft").(float64), observed(t, got, "chainDaysLeft").(float64)
				if leaf < 60 || leaf > 60.1 || all < 30 || all > 30.1 {
					t.Errorf("days left are %v and %v", leaf, all)
				}
			}
		})
	}
}

func TestCertificateFileMissing(t *testing.T) {
	got := run(t, checks.CertificateFile{Path: filepath.Join(t.TempDir(), "none")}.Run)
	if got.Outcome != health.Fail {
		t.Errorf("got %s %q", got.Outcome, got.Output)
	}
}
