package prober

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/config"
)

// tlsSource makes the tls.Config of a module once, and again when one of the
// files it is made of has changed: certificates rotate without a reload.
type tlsSource struct {
	options config.TLSConfig
	legacy  bool
	files   []string

	mu     sync.Mutex // guards what follows
	stamps []fileStamp
	made   *tls.Config
}

type fileStamp struct {
	size     int64
	modified time.Time
}

func newTLSSource(options config.TLSConfig, legacy bool) *tlsSource {
	s := &tlsSource{options: options, legacy: legacy}
	for _, file := range []string{options.CAFile, options.CertFile, options.KeyFile} {
		if file != "" {
			s.files = append(s.files, file)
		}
	}
	return s
}

// config is a copy for one connection. serverName is the name to ask for and to
// verify if the options have none; empty leaves that to the caller.
func (s *tlsSource) config(serverName string, protocols ...string) (*tls.Config, error) {
	base, err := s.current()
	if err != nil {
		return nil, err
	}
	c := base.Clone()
	if c.ServerName = asciiHost(c.ServerName); c.ServerName == "" {
		c.ServerName = serverName
	}
	c.NextProtos = protocols
	return c, nil
}

// current is what connections are made with now: another one once a file has changed.
func (s *tlsSource) current() (*tls.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made != nil && s.unchanged() {
		return s.made, nil
	}
	stamps := make([]fileStamp, len(s.files))
	for i, file := range s.files {
		stamps[i] = stampOf(file)
	}
	made, err := config.NewTLSConfig(&s.options)
	if err != nil {
		return nil, because(ReasonInternal, fmt.Errorf("reading TLS options: %w", err))
	}
	if s.legacy {
		offerLegacy(made)
	}
	s.made, s.stamps = made, stamps
	return made, nil
}

// unchanged reports whether the files are as they were; mu is held.
func (s *tlsSource) unchanged() bool {
	for i, file := range s.files {
		if now := stampOf(file); now.size != s.stamps[i].size || !now.modified.Equal(s.stamps[i].modified) {
			return false
		}
	}
	return true
}

func stampOf(file string) fileStamp {
	info, err := os.Stat(file)
	if err != nil {
		return fileStamp{size: -1}
	}
	return fileStamp{info.Size(), info.ModTime()}
}

// earliestExpiry is when the first of the certificates expires.
func earliestExpiry(certs []*x509.Certificate) time.Time {
	var earliest time.Time
	for _, cert := range certs {
		if earliest.IsZero() || cert.NotAfter.Before(earliest) {
			earliest = cert.NotAfter
		}
	}
	return earliest
}

// lastChainExpiry is when the verified chain that lasts longest expires; the
// zero time if nothing was verified.
func lastChainExpiry(state *tls.ConnectionState) time.Time {
	var last time.Time
	for _, chain := range state.VerifiedChains {
		if expiry := earliestExpiry(chain); expiry.After(last) {
			last = expiry
		}
	}
	return last
}

// expiryOf is when the connection can no longer be verified: certificates beside the
// chain that was verified, such as an expired cross-signature, do not matter. Without
// verification it is when the first certificate that the peer sent expires.
func expiryOf(state *tls.ConnectionState) time.Time {
	if last := lastChainExpiry(state); !last.IsZero() {
		return last
	}
	return earliestExpiry(state.PeerCertificates)
}

// tlsSamples are the metrics of a connection over TLS. The cipher is what only
// some kinds of probe show.
func tlsSamples(samples []Sample, state *tls.ConnectionState, withCipher bool) []Sample {
	samples = append(samples,
		expirySample(state.PeerCertificates),
		gauge("probe_ssl_last_chain_expiry_timestamp_seconds", "Returns last SSL chain expiry in timestamp",
			float64(lastChainExpiry(state).Unix())),
		gauge("probe_tls_version_info", "Returns the TLS version used or NaN when unknown", 1,
			Label{"version", tls.VersionName(state.Version)}),
	)
	if len(state.PeerCertificates) > 0 {
		samples = append(samples, leafInfo(state.PeerCertificates[0]))
	}
	if withCipher {
		samples = append(samples, gauge("probe_tls_cipher_info", "Returns the TLS cipher negotiated during handshake", 1,
			Label{"cipher", tls.CipherSuiteName(state.CipherSuite)}))
	}
	return samples
}

// refusedSamples are the metrics of a connection that we did not want because of
// the peer's certificates: who is warned too late that one expires still sees it.
func refusedSamples(samples []Sample, err error) []Sample {
	certs := refusedCertificates(err)
	if len(certs) == 0 {
		return samples
	}
	return append(samples, expirySample(certs), leafInfo(certs[0]))
}

// refusedCertificates are the ones that a handshake refused, if that is the error.
func refusedCertificates(err error) []*x509.Certificate {
	var verify *tls.CertificateVerificationError
	var token *tokenError // of whose endpoint nobody wants to see the certificate
	if errors.As(err, &verify) && !errors.As(err, &token) {
		return verify.UnverifiedCertificates
	}
	return nil
}

func expirySample(certs []*x509.Certificate) Sample {
	return gauge("probe_ssl_earliest_cert_expiry", "Returns earliest SSL cert expiry in unixtime",
		float64(earliestExpiry(certs).Unix()))
}

func leafInfo(leaf *x509.Certificate) Sample {
	sum := sha256.Sum256(leaf.Raw)
	return gauge("probe_ssl_last_chain_info", "Contains SSL leaf certificate information", 1,
		Label{"fingerprint_sha256", hex.EncodeToString(sum[:])},
		Label{"issuer", validText(leaf.Issuer.String())},
		Label{"serialnumber", serialNumber(leaf)},
		Label{"subject", validText(leaf.Subject.String())},
		Label{"subjectalternative", validText(strings.Join(leaf.DNSNames, ","))})
}

// serialNumber is lower-case hex of whole bytes.
func serialNumber(cert *x509.Certificate) string {
	return hex.EncodeToString(cert.SerialNumber.Bytes())
}

// validText makes what a peer wrote fit for a label.
func validText(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
