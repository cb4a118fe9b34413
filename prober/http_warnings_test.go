package prober

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/config"
)

// A module with mistakes that upstream loads is loaded, and warned of.
func TestHTTPWarnings(t *testing.T) {
	const missing = "/nowhere/at/all"
	there := newAuthority(t).file
	tests := []struct {
		path, text string
		set        func(p *httpProbe)
	}{
		{"", "", func(*httpProbe) {}},
		{"", "", func(p *httpProbe) {
			p.Method, p.Compression, p.BodyFile, p.PreferredIPProtocol = "PURGE", "GZip", there, "ip4"
			p.ValidHTTPVersions, p.BodySizeLimit = []string{"HTTP/1.0", "HTTP/2.0"}, 1<<62
			p.FailIfBodyJSONMatches = expression(t, "body.a")
			p.Client.BasicAuth = &config.BasicAuth{Username: "u", PasswordFile: there}
			p.Client.TLSConfig = config.TLSConfig{CAFile: there, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}
		}},
		{"preferred_ip_protocol", `"ipv6" means ip4`, func(p *httpProbe) { p.PreferredIPProtocol = "ipv6" }},
		{"method", `"A B" is not a valid method`, func(p *httpProbe) { p.Method = "A B" }},
		{"compression", `"zip" is unknown`, func(p *httpProbe) { p.Compression = "zip" }},
		{"body_size_limit", "sets no limit", func(p *httpProbe) { p.BodySizeLimit = -5 }},
		{"valid_http_versions[1]", `"HTTP/2" is not a version of HTTP`, func(p *httpProbe) { p.ValidHTTPVersions = []string{"HTTP/1.1", "HTTP/2"} }},
		{"body_file", "no such file", func(p *httpProbe) { p.BodyFile = missing }},
		{"fail_if_body_json_matches_cel", `"1 + 1" is neither true nor false`, func(p *httpProbe) { p.FailIfBodyJSONMatches = expression(t, "1 + 1") }},
		{"fail_if_body_json_not_matches_cel", `neither true nor false`, func(p *httpProbe) { p.FailIfBodyJSONNotMatches = expression(t, `"a"`) }},
		{"fail_if_ssl", "no valid answer", func(p *httpProbe) { p.FailIfSSL, p.FailIfNotSSL = true, true }},
		{"fail_if_ssl", "no valid answer", func(p *httpProbe) { p.FailIfSSL, p.EnableHTTP3, p.Client.EnableHTTP2 = true, true, false }},
		{"no_follow_redirects", "use follow_redirects: false", func(p *httpProbe) { p.NoFollowRedirects = new(true) }},
		{"enable_http3", "directly", func(p *httpProbe) {
			p.EnableHTTP3, p.Client.EnableHTTP2, p.Client.ProxyFromEnvironment = true, false, true
		}},
		{"skip_resolve_phase_with_proxy", "no effect", func(p *httpProbe) { p.SkipResolvePhaseWithProxy = true }},
		{"tls_config.min_version", "above max_version", func(p *httpProbe) {
			p.Client.TLSConfig = config.TLSConfig{MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12}
		}},
		{"tls_config.ca_file", "no such file", func(p *httpProbe) { p.Client.TLSConfig.CAFile = missing }},
		{"tls_config.cert_file", "no such file", func(p *httpProbe) {
			p.Client.TLSConfig.CertFile, p.Client.TLSConfig.KeyFile = missing, there
		}},
		{"tls_config.key_file", "no such file", func(p *httpProbe) {
			p.Client.TLSConfig.CertFile, p.Client.TLSConfig.KeyFile = there, missing
		}},
		{"basic_auth.username_file", "no such file", func(p *httpProbe) { p.Client.BasicAuth = &config.BasicAuth{UsernameFile: missing} }},
		{"basic_auth.password_file", "no such file", func(p *httpProbe) {
			p.Client.BasicAuth = &config.BasicAuth{Username: "u", PasswordFile: missing}
		}},
		{"authorization.credentials_file", "no such file", func(p *httpProbe) { p.Client.BearerTokenFile = missing }},
		{"http_headers.X-A.files[1]", "no such file", func(p *httpProbe) {
			p.Client.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X-A": {Files: []string{there, missing}}}}
		}},
		{"oauth2.client_secret_file", "no such file", func(p *httpProbe) {
			p.Client.OAuth2 = &config.OAuth2{ClientID: "me", TokenURL: "http://a", ClientSecretFile: missing}
		}},
		{"oauth2.client_certificate_key_file", "no such file", func(p *httpProbe) {
			p.Client.OAuth2 = &config.OAuth2{ClientID: "me", TokenURL: "http://a", GrantType: grantJWTBearer, ClientCertificateKeyFile: missing}
		}},
		{"oauth2.tls_config.ca_file", "no such file", func(p *httpProbe) {
			p.Client.OAuth2 = &config.OAuth2{ClientID: "me", TokenURL: "http://a", TLSConfig: config.TLSConfig{CAFile: missing}}
		}},
	}
	for _, test := range tests {
		got := httpModule(t, test.set).Warnings()
		switch {
		case test.path == "" && len(got) > 0:
			t.Errorf("got %v, want no warning", got)
		case test.path == "":
		case len(got) != 1 || got[0].Path != test.path || !strings.Contains(got[0].Detail, test.text):
			t.Errorf("got %v, want %s: …%s…", got, test.path, test.text)
		}
	}
}

func TestHealthWarnings(t *testing.T) {
	m := healthModule(t, func(p *healthProbe) { p.Client.TLSConfig.CAFile, p.Client.BearerTokenFile = "/nowhere/a", "/nowhere/b" })
	var paths []string
	for _, warning := range m.Warnings() {
		paths = append(paths, warning.Path)
	}
	if !slices.Equal(paths, []string{"tls_config.ca_file", "authorization.credentials_file"}) {
		t.Errorf("got %v", paths)
	}
	if got := healthModule(t, nil).Warnings(); len(got) > 0 {
		t.Errorf("got %v without a mistake", got)
	}
}
