package prober

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/prometheus/common/config"
)

// credentials makes the value of the Authorization header. Files are read at
// each probe, so that secrets rotate without a reload.
type credentials struct {
	basic *config.BasicAuth
	other *config.Authorization
	oauth *tokenSource
	fixed string // the value, if no file is involved
}

func newCredentials(options *config.HTTPClientConfig) *credentials {
	c := &credentials{basic: options.BasicAuth, other: options.Authorization}
	if b := c.basic; b != nil && b.UsernameFile == "" && b.PasswordFile == "" {
		c.fixed = basicAuth(b.Username, string(b.Password))
	}
	if a := c.other; a != nil && a.CredentialsFile == "" {
		c.fixed = a.Type + " " + string(a.Credentials)
	}
	return c
}

func basicAuth(username, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+password))
}

// authorization is the header's value for a URL, got from elsewhere if need be.
func (c *credentials) authorization(ctx context.Context, u *url.URL) (string, error) {
	if c.oauth != nil {
		return c.oauth.authorization(ctx)
	}
	return c.value(u)
}

// value is the header's value for a URL: what is configured, else what stands
// in the URL itself, else empty. It knows nothing of OAuth 2.0.
func (c *credentials) value(u *url.URL) (string, error) {
	switch {
	case c.fixed != "":
		return c.fixed, nil
	case c.basic != nil:
		username, err := textOrFile(c.basic.Username, c.basic.UsernameFile)
		if err != nil {
			return "", err
		}
		password, err := textOrFile(string(c.basic.Password), c.basic.PasswordFile)
		if err != nil {
			return "", err
		}
		return basicAuth(username, password), nil
	case c.other != nil:
		secret, err := textOrFile("", c.other.CredentialsFile)
		return c.other.Type + " " + secret, err
	case u.User != nil:
		password, _ := u.User.Password()
		return basicAuth(u.User.Username(), password), nil
	}
	return "", nil
}

func (p *httpProbe) tokens() *tokenSource   { return p.creds.oauthOrNil() }
func (p *healthProbe) tokens() *tokenSource { return p.creds.oauthOrNil() }

func (c *credentials) oauthOrNil() *tokenSource {
	if c == nil {
		return nil
	}
	return c.oauth
}

// configured reports whether there are credentials besides those in a URL.
func (c *credentials) configured() bool { return c.basic != nil || c.other != nil || c.oauth != nil }

// withOAuth2 adds the source of tokens, if one is configured.
func (c *credentials) withOAuth2(options *config.OAuth2, d *dialer) *credentials {
	if options != nil {
		c.oauth = newTokenSource(options, d)
	}
	return c
}

func textOrFile(text, file string) (string, error) {
	if file == "" {
		return text, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", because(ReasonInternal, fmt.Errorf("reading credentials: %w", err))
	}
	return strings.TrimSpace(string(content)), nil
}

// addHeaders adds what is configured as http_headers.
func addHeaders(to http.Header, from *config.Headers) error {
	if from == nil {
		return nil
	}
	for name, header := range from.Headers {
		name = http.CanonicalHeaderKey(name)
		for _, value := range header.Values {
			to.Add(name, value)
		}
		for _, secret := range header.Secrets {
			to.Add(name, string(secret))
		}
		for _, file := range header.Files {
			value, err := textOrFile("", file)
			if err != nil {
				return err
			}
			to.Add(name, value)
		}
	}
	return nil
}

// harmlessHeaders may go to another host than the one they were configured for:
// they say what we want, not who we are.
var harmlessHeaders = map[string]bool{
	"Accept": true, "Accept-Charset": true, "Accept-Encoding": true, "Accept-Language": true,
	"Cache-Control": true, "Content-Type": true, "Pragma": true, "User-Agent": true,
}

func onlyHarmless(header http.Header) {
	for name := range header {
		if !harmlessHeaders[name] {
			delete(header, name)
		}
	}
}
