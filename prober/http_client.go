package prober

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/prometheus/common/config"
	"golang.org/x/net/http/httpguts"
)

// maxRedirects is how many are followed, whatever the configuration says.
const maxRedirects = 10

// validateClient checks what all kinds over HTTP share, and refuses what they
// do not support yet rather than ignoring it.
func validateClient(options *config.HTTPClientConfig) (faults []error) {
	fault := func(path, format string, args ...any) {
		faults = append(faults, &FieldError{path, fmt.Sprintf(format, args...)})
	}
	if options.OAuth2 != nil {
		faults = append(faults, validateOAuth2(options.OAuth2)...)
	}
	if b := options.BasicAuth; b != nil && (b.UsernameRef != "" || b.PasswordRef != "") {
		fault("basic_auth", "username_ref and password_ref are secret references, which are not supported")
	}
	if a := options.Authorization; a != nil && a.CredentialsRef != "" {
		fault("authorization.credentials_ref", "is a secret reference, which is not supported")
	}
	if err := options.Validate(); err != nil {
		fault(clientField(err), "%s", err)
	}
	if err := options.TLSConfig.Validate(); err != nil {
		fault("tls_config", "%s", err)
	}
	if t := options.TLSConfig; t.CARef != "" || t.CertRef != "" || t.KeyRef != "" {
		fault("tls_config", "ca_ref, cert_ref and key_ref are secret references, which are not supported")
	}
	if err := checkProxyURL(&options.ProxyConfig); err != nil {
		fault("proxy_url", "%s", err)
	}
	if options.HTTPHeaders != nil {
		for name, header := range options.HTTPHeaders.Headers {
			path := "http_headers." + name
			if !httpguts.ValidHeaderFieldName(name) {
				fault(path, "is not a valid header name")
			}
			for _, value := range header.Values {
				if !httpguts.ValidHeaderFieldValue(value) {
					fault(path, "has a value with a line break or control character")
				}
			}
		}
	}
	return faults
}

func checkProxyURL(options *config.ProxyConfig) error {
	if options.ProxyURL.URL == nil || options.ProxyURL.String() == "" {
		return nil
	}
	switch scheme := options.ProxyURL.Scheme; scheme {
	case "http", "https", "socks5", "socks5h":
		return nil
	default:
		return fmt.Errorf("scheme must be http, https, socks5 or socks5h, not %q", scheme)
	}
}

// clientField names the key that a fault of the shared options is about.
func clientField(err error) string {
	for _, key := range []string{"bearer_token", "authorization", "basic_auth", "oauth2", "proxy_connect_header", "no_proxy", "proxy_from_environment"} {
		if strings.Contains(err.Error(), key) {
			return key
		}
	}
	if strings.Contains(err.Error(), "header") {
		return "http_headers"
	}
	return "http"
}

// proxyFor is the proxy for a URL, nil if it is reached directly. Nothing goes
// through a proxy that the module does not ask for: the policy cannot see what
// a proxy connects to.
func proxyFor(options *config.ProxyConfig) func(*http.Request) (*url.URL, error) {
	if options.ProxyURL.URL != nil && options.ProxyURL.String() != "" || options.ProxyFromEnvironment {
		return options.Proxy()
	}
	return nil
}

// newTransport makes a transport for one connection, or for one module's
// connections one after the other. A nil proxy means none at all.
func newTransport(proxy func(*http.Request) (*url.URL, error), options *config.ProxyConfig, http2 bool) *http.Transport {
	t := &http.Transport{
		Proxy:                  proxy,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
		Protocols:              &http.Protocols{},
	}
	if proxy != nil {
		t.ProxyConnectHeader = options.GetProxyConnectHeader()
	}
	t.Protocols.SetHTTP1(true)
	t.Protocols.SetHTTP2(http2)
	return t
}

// viaProxy dials proxies. The operator has named them, so only what is always
// refused is refused; what is asked of them is checked beforehand.
func viaProxy(d *dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return d.dial(ctx, nil, network, address)
	}
}

// canonical is a header's name as net/http spells it.
func canonical(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }
