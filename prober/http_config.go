package prober

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/config"
	"golang.org/x/net/http/httpguts"
)

// httpProbe makes any HTTP request and checks the answer against conditions. Its
// keys, defaults and metrics are those of blackbox_exporter.
type httpProbe struct {
	// ValidStatusCodes are the codes of success; none means 200 to 299.
	ValidStatusCodes StatusCodes `yaml:"valid_status_codes"`
	// ValidHTTPVersions are the protocols of success, such as HTTP/1.1 and
	// HTTP/2.0; none means any.
	ValidHTTPVersions []string `yaml:"valid_http_versions"`
	Method            string   `yaml:"method"`
	// Headers are sent as they are; Host is the name to ask for.
	Headers map[string]string `yaml:"headers"`
	// Body is sent, or the file's content.
	Body     string `yaml:"body"`
	BodyFile string `yaml:"body_file"`

	// NoFollowRedirects is the old name of follow_redirects, turned round; if
	// given, it wins.
	NoFollowRedirects *bool `yaml:"no_follow_redirects"`
	FailIfSSL         bool  `yaml:"fail_if_ssl"`
	FailIfNotSSL      bool  `yaml:"fail_if_not_ssl"`

	FailIfBodyMatches      []Regexp      `yaml:"fail_if_body_matches_regexp"`
	FailIfBodyNotMatches   []Regexp      `yaml:"fail_if_body_not_matches_regexp"`
	FailIfHeaderMatches    []HeaderMatch `yaml:"fail_if_header_matches"`
	FailIfHeaderNotMatches []HeaderMatch `yaml:"fail_if_header_not_matches"`
	// FailIfBodyJSONMatches and its opposite are CEL expressions.
	FailIfBodyJSONMatches    *Expression `yaml:"fail_if_body_json_matches_cel"`
	FailIfBodyJSONNotMatches *Expression `yaml:"fail_if_body_json_not_matches_cel"`

	// Compression is how the body is compressed, whatever its header says: gzip,
	// br, deflate or identity.
	Compression string `yaml:"compression"`
	// BodySizeLimit is the most a body may have, decompressed; 0 means no limit,
	// but then a scheduled probe reads the first 10 MiB only.
	BodySizeLimit Size `yaml:"body_size_limit"`

	Outbound `yaml:",inline"`
	// SkipResolvePhaseWithProxy leaves resolving the target to the proxy.
	SkipResolvePhaseWithProxy bool `yaml:"skip_resolve_phase_with_proxy"`
	EnableHTTP3               bool `yaml:"enable_http3"`
	// Client are Prometheus' common options: tls_config, basic_auth, proxy_url …
	Client    config.HTTPClientConfig `yaml:",inline"`
	LegacyTLS `yaml:",inline"`

	// made by validate
	header       http.Header // of the first request, without Host and credentials
	host         string      // the Host header, if configured
	creds        *credentials
	certificates *tlsSource
	dialer       *dialer
	proxy        func(*http.Request) (*url.URL, error)
}

// newHTTPProbe has the defaults of blackbox_exporter.
func newHTTPProbe() spec {
	return &httpProbe{
		Outbound: Outbound{IPProtocolFallback: true},
		Client:   config.DefaultHTTPClientConfig,
	}
}

// HeaderMatch is a condition on the values of one header.
type HeaderMatch struct {
	Header string `yaml:"header"`
	Regexp Regexp `yaml:"regexp"`
	// AllowMissing skips the condition if the header is not there.
	AllowMissing bool `yaml:"allow_missing"`
}

// Size is a number of bytes, written with a unit: 512B, 10KB, 1MiB. All units
// are powers of 1024.
type Size int64

// unlimitedBody is the largest body_size_limit: one more byte must be countable.
const unlimitedBody Size = 1<<63 - 2

// UnmarshalText reads a number with a unit.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := units.ParseBase2Bytes(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a valid size with a unit, such as 10MB", text)
	}
	*s = Size(n)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(units.Base2Bytes(s).String()), nil }

// validate checks and completes the configuration.
func (p *httpProbe) validate() error {
	d, faults := p.newDialer()
	faults = append(faults, validateClient(&p.Client)...)
	fault := func(path, format string, args ...any) {
		faults = append(faults, &FieldError{path, fmt.Sprintf(format, args...)})
	}
	if p.Body != "" && p.BodyFile != "" {
		fault("body_file", "cannot be used together with body")
	}
	p.validateHTTP3(fault)
	validateMatches(p.FailIfHeaderMatches, "fail_if_header_matches", fault)
	validateMatches(p.FailIfHeaderNotMatches, "fail_if_header_not_matches", fault)
	p.takeHeaders(fault)
	if len(faults) > 0 {
		return errors.Join(faults...)
	}

	if p.NoFollowRedirects != nil {
		p.Client.FollowRedirects = !*p.NoFollowRedirects
	}
	if p.Method == "" {
		p.Method = http.MethodGet
	}
	if p.BodySizeLimit < 0 || p.BodySizeLimit == 1<<63-1 {
		p.BodySizeLimit = unlimitedBody
	}
	p.creds = newCredentials(&p.Client).withOAuth2(p.Client.OAuth2, d)
	p.certificates = newTLSSource(p.Client.TLSConfig, p.TLSLegacy)
	p.dialer = d
	if !p.EnableHTTP3 { // which no proxy can pass on
		p.proxy = proxyFor(&p.Client.ProxyConfig)
	}
	return nil
}

// validateHTTP3 sees that the versions asked for are ones that can come back.
func (p *httpProbe) validateHTTP3(fault func(path, format string, args ...any)) {
	if !p.EnableHTTP3 {
		if slices.Contains(p.ValidHTTPVersions, "HTTP/3.0") {
			fault("valid_http_versions", "HTTP/3.0 needs enable_http3: true")
		}
		return
	}
	if p.Client.EnableHTTP2 {
		fault("enable_http3", "cannot be used together with HTTP/2: set enable_http2: false")
	}
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		if slices.Contains(p.ValidHTTPVersions, version) {
			fault("valid_http_versions", "%s cannot be the answer to enable_http3: true", version)
		}
	}
}

func validateMatches(matches []HeaderMatch, key string, fault func(path, format string, args ...any)) {
	for i, match := range matches {
		if match.Header == "" {
			fault(fmt.Sprintf("%s[%d].header", key, i), "must be set")
		}
		if match.Regexp.Regexp == nil || match.Regexp.String() == "" {
			fault(fmt.Sprintf("%s[%d].regexp", key, i), "must be set")
		}
	}
}

// takeHeaders makes the request's header of what is configured.
func (p *httpProbe) takeHeaders(fault func(path, format string, args ...any)) {
	p.header = http.Header{"User-Agent": {userAgent()}}
	for name, value := range p.Headers {
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			fault("headers."+name, "is not a valid header name")
		case !httpguts.ValidHeaderFieldValue(value):
			fault("headers."+name, "has a line break or control character")
		case canonical(name) == "Host":
			p.host = value
		default:
			p.header[canonical(name)] = []string{value}
		}
	}
	if accepted := p.header.Get("Accept-Encoding"); !acceptable(p.Compression, accepted) {
		fault("compression", "%q does not go with the header Accept-Encoding: %s", p.Compression, accepted)
	}
}

// acceptable reports whether an Accept-Encoding header asks for the coding: of
// all it lists, best first, the first that is the coding or * decides.
func acceptable(coding, header string) bool {
	if coding == "" || header == "" {
		return true
	}
	type choice struct {
		coding  string
		quality float64
	}
	var choices []choice
	for part := range strings.SplitSeq(header, ",") {
		c := choice{strings.TrimSpace(part), 1}
		if i := strings.LastIndexByte(part, ';'); i >= 0 {
			c.coding, c.quality = strings.TrimSpace(part[:i]), 0
			if q, ok := strings.CutPrefix(strings.TrimSpace(part[i+1:]), "q="); ok {
				c.quality, _ = strconv.ParseFloat(q, 32)
			}
		}
		choices = append(choices, c)
	}
	slices.SortStableFunc(choices, func(a, b choice) int {
		switch {
		case a.quality > b.quality:
			return -1
		case a.quality < b.quality:
			return 1
		}
		return 0
	})
	for _, c := range choices {
		if strings.EqualFold(c.coding, coding) || c.coding == "*" {
			return c.quality > 0
		}
	}
	return false
}

// HostHeader is the Host header that a module of kind http is configured to
// send; empty if none.
func (m *Module) HostHeader() string {
	if p, ok := m.spec.(*httpProbe); ok {
		return p.host
	}
	return ""
}
