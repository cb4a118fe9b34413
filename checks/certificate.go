package checks

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// CertificateFile fails if a certificate in a file expires soon. All certificates
// of the file count, since a chain expires with the first of its certificates; the
// first is the one of the server itself.
type CertificateFile struct {
	// Path is a file with certificates, in PEM or DER. Other blocks in PEM, such as
	// keys, are left alone. Required.
	Path string `yaml:"path"`
	// MinLeft is how long each must still be valid, WarnLeft that below which there is a
	// warning; defaults 7 and 21 days.
	MinLeft  time.Duration `yaml:"min_left"`
	WarnLeft time.Duration `yaml:"warn_left"`
}

const (
	day = 24 * time.Hour
	// certificateLimit is how large a file may be: the roots of a whole system have
	// a quarter of it.
	certificateLimit = 1 << 20
)

// Check reports what is wrong with the options.
func (c CertificateFile) Check() error {
	return errors.Join(
		require(c.Path != "", "Path", c.Path, "a file"),
		require(c.MinLeft >= 0, "MinLeft", c.MinLeft, "0 for the default, or more"),
		require(c.WarnLeft >= 0, "WarnLeft", c.WarnLeft, "0 for the default, or more"))
}

// Run reads the file once.
func (c CertificateFile) Run(ctx context.Context) error {
	if err := c.Check(); err != nil {
		return err
	}
	info, err := os.Stat(c.Path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > certificateLimit {
		return fmt.Errorf("%s is not a regular file of at most %s", c.Path, size(certificateLimit))
	}
	content, err := os.ReadFile(c.Path)
	if err != nil {
		return err
	}
	chain, err := parseCertificates(content)
	if err != nil {
		return fmt.Errorf("reading %s: %w", c.Path, err)
	}
	return c.judge(ctx, chain, time.Now())
}

func (c CertificateFile) judge(ctx context.Context, chain []*x509.Certificate, now time.Time) error {
	first := chain[0]
	for _, cert := range chain[1:] {
		if cert.NotAfter.Before(first.NotAfter) {
			first = cert
		}
	}
	days := func(cert *x509.Certificate) float64 { return cert.NotAfter.Sub(now).Hours() / 24 }
	health.Observe(ctx, "daysLeft", days(chain[0]), "days")
	health.Observe(ctx, "chainDaysLeft", days(first), "days")
	for _, cert := range chain {
		if now.Before(cert.NotBefore) {
			return fmt.Errorf("%s is not valid before %s", titleOf(cert), cert.NotBefore.UTC().Format(time.RFC3339))
		}
	}
	left := first.NotAfter.Sub(now)
	text := fmt.Sprintf("%s expires in %.1f days", titleOf(first), days(first))
	switch {
	case left <= 0:
		return fmt.Errorf("%s expired %.1f days ago", titleOf(first), -days(first))
	case left < cmp.Or(c.MinLeft, 7*day):
		return errors.New(text)
	case left < cmp.Or(c.WarnLeft, 21*day):
		return health.Warning(errors.New(text))
	}
	health.Say(ctx, text)
	return nil
}

// titleOf is the name by which people know a certificate.
func titleOf(cert *x509.Certificate) string {
	name := cert.Subject.CommonName
	if name == "" && len(cert.DNSNames) > 0 {
		name = cert.DNSNames[0]
	}
	return fmt.Sprintf("certificate %q", cmp.Or(name, cert.Subject.String()))
}

// parseCertificates reads PEM, or DER. There is at least one if there is no error.
func parseCertificates(content []byte) ([]*x509.Certificate, error) {
	if !bytes.Contains(content, []byte("-----BEGIN")) {
		chain, err := x509.ParseCertificates(content)
		if err == nil && len(chain) == 0 {
			err = errors.New("the file is empty")
		}
		return chain, err
	}
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		block, content = pem.Decode(content)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(chain)+1, err)
		}
		chain = append(chain, cert)
	}
	if len(chain) == 0 {
		return nil, errors.New("there is no certificate in it")
	}
	return chain, nil
}
