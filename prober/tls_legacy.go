package prober

import "crypto/tls"

// LegacyTLS is a key of every kind that speaks TLS. It is meant to be inlined into
// the kind's options.
type LegacyTLS struct {
	// TLSLegacy also offers what old devices need and is not safe any more: key
	// exchange by RSA, 3DES, RC4, CBC, and TLS 1.0 if min_version does not say
	// otherwise.
	TLSLegacy bool `yaml:"tls_legacy"`
}

// offerLegacy makes a connection take all that the library knows. What is better is
// still preferred.
func offerLegacy(c *tls.Config) {
	for _, suites := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, suite := range suites {
			c.CipherSuites = append(c.CipherSuites, suite.ID)
		}
	}
	if c.MinVersion == 0 {
		c.MinVersion = tls.VersionTLS10
	}
}
