package prober

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/config"
	"golang.org/x/net/http/httpguts"
)

// warnings are what is most likely wrong although it can be tried.
func (p *httpProbe) warnings() []error {
	list := append(p.Outbound.warnings(), warnClient(&p.Client)...)
	warn := func(path, format string, args ...any) {
		list = append(list, &FieldError{path, fmt.Sprintf(format, args...)})
	}
	if !httpguts.ValidHeaderFieldName(p.Method) { // both are tokens
		warn("method", "%q is not a valid method: every probe fails", p.Method)
	}
	switch strings.ToLower(p.Compression) {
	case "", "gzip", "deflate", "br", "identity":
	default:
		warn("compression", "%q is unknown, not gzip, br, deflate or identity: every probe fails", p.Compression)
	}
	if p.BodySizeLimit == unlimitedBody {
		warn("body_size_limit", "sets no limit: it is negative or too large")
	}
	for i, version := range p.ValidHTTPVersions {
		if !slices.Contains([]string{"HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/3.0"}, version) {
			warn(fmt.Sprintf("valid_http_versions[%d]", i), "%q is not a version of HTTP, such as HTTP/1.1 or HTTP/2.0", version)
		}
	}
	list = append(list, p.ValidStatusCodes.warnings()...)
	list = append(list, warnFile("body_file", p.BodyFile)...)
	list = append(list, p.warnConditions()...)
	if p.NoFollowRedirects != nil {
		warn("no_follow_redirects", "is the old name: use follow_redirects: %t", !*p.NoFollowRedirects)
	}
	switch proxied := proxyFor(&p.Client.ProxyConfig) != nil; {
	case proxied && p.EnableHTTP3:
		warn("enable_http3", "goes to the target directly, whatever proxy is configured")
	case !proxied && p.SkipResolvePhaseWithProxy:
		warn("skip_resolve_phase_with_proxy", "has no effect without a proxy")
	}
	return list
}

// warnConditions finds conditions that no answer meets.
func (p *httpProbe) warnConditions() (list []error) {
	for _, each := range []struct {
		key string
		e   *Expression
	}{
		{"fail_if_body_json_matches_cel", p.FailIfBodyJSONMatches},
		{"fail_if_body_json_not_matches_cel", p.FailIfBodyJSONNotMatches},
	} {
		if each.e != nil && !each.e.mayBeBool() {
			list = append(list, &FieldError{each.key, fmt.Sprintf("%q is neither true nor false: every probe fails", each.e)})
		}
	}
	if p.FailIfSSL && (p.FailIfNotSSL || p.EnableHTTP3) {
		list = append(list, &FieldError{"fail_if_ssl", "leaves no valid answer: every probe fails"})
	}
	return list
}

// warnings are what is most likely wrong although it can be tried.
func (p *healthProbe) warnings() []error {
	return append(warnClient(&p.Client), p.ValidStatusCodes.warnings()...)
}

// warnClient finds what is most likely wrong with the options that all kinds over
// HTTP share. Files may still come: they are read at each probe.
func warnClient(options *config.HTTPClientConfig) []error {
	list := warnTLSConfig(&options.TLSConfig)
	file := func(path, name string) { list = append(list, warnFile(path, name)...) }
	if b := options.BasicAuth; b != nil {
		file("basic_auth.username_file", b.UsernameFile)
		file("basic_auth.password_file", b.PasswordFile)
	}
	if a := options.Authorization; a != nil {
		file("authorization.credentials_file", a.CredentialsFile)
	}
	if o := options.OAuth2; o != nil {
		file("oauth2.client_secret_file", o.ClientSecretFile)
		file("oauth2.client_certificate_key_file", o.ClientCertificateKeyFile)
		for _, each := range warnTLSConfig(&o.TLSConfig) {
			if field, ok := errors.AsType[*FieldError](each); ok {
				each = &FieldError{"oauth2." + field.Path, field.Detail}
			}
			list = append(list, each)
		}
	}
	if h := options.HTTPHeaders; h != nil {
		for _, name := range slices.Sorted(maps.Keys(h.Headers)) {
			for i, each := range h.Headers[name].Files {
				file(fmt.Sprintf("http_headers.%s.files[%d]", name, i), each)
			}
		}
	}
	return list
}

// warnFile warns of a file that does not exist, or cannot be read.
func warnFile(path, name string) []error {
	if name == "" {
		return nil
	}
	if _, err := ReadNamedFile(name); err != nil {
		return []error{&FieldError{path, err.Error()}}
	}
	return nil
}
