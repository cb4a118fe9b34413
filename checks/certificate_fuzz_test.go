package checks

import "testing"

func FuzzCertificates(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("0\x03\x02\x01\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		chain, err := parseCertificates(content)
		if (err == nil) != (len(chain) > 0) {
			t.Errorf("%d certificates and error %v", len(chain), err)
		}
	})
}
