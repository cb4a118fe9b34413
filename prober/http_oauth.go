package prober

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/common/config"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// The grant types of OAuth 2.0 that need no user interaction.
const (
	grantClientCredentials = "client_credentials"
	grantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

// tokenSource gets access tokens of OAuth 2.0 and keeps the current one for all
// probes of its module.
type tokenSource struct {
	options *config.OAuth2
	agent   string
	dialer  *dialer
	tls     *tlsSource
	proxy   func(*http.Request) (*url.URL, error)

	// turn is held by whoever asks for a new token, while the others wait. It
	// guards what follows.
	turn      chan struct{}
	grant     grant
	grantedTo string // the secret in grant

	mu     sync.Mutex // guards what follows
	token  *oauth2.Token
	secret string // that the token was got with
}

func newTokenSource(options *config.OAuth2, d *dialer) *tokenSource {
	return &tokenSource{
		options: options, agent: userAgent(), dialer: d,
		tls: newTLSSource(options.TLSConfig, false), proxy: proxyFor(&options.ProxyConfig),
		turn: make(chan struct{}, 1),
	}
}

// authorization is the value of the Authorization header with a token that is
// valid now.
func (s *tokenSource) authorization(ctx context.Context) (string, error) {
	secret, err := s.readSecret()
	if err != nil {
		return "", err
	}
	if token := s.kept(secret); token != nil {
		return token.Type() + " " + token.AccessToken, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", &tokenError{ctx.Err()}
	}
	token := s.kept(secret) // somebody may have got one while we waited
	if token == nil {
		if token, err = s.fetch(ctx, secret); err != nil {
			return "", &tokenError{explainToken(ctx, err)}
		}
		s.keep(token, secret)
	}
	return token.Type() + " " + token.AccessToken, nil
}

// kept is the token if it is still good; a new secret makes it bad.
func (s *tokenSource) kept(secret string) *oauth2.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secret != secret || !s.token.Valid() {
		return nil
	}
	return s.token
}

// current is the token that was got last, good or not; empty before.
func (s *tokenSource) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == nil {
		return ""
	}
	return s.token.AccessToken
}

func (s *tokenSource) keep(token *oauth2.Token, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.secret = token, secret
}

// readSecret is the client's secret, or the key that it signs with.
func (s *tokenSource) readSecret() (string, error) {
	if s.options.GrantType == grantJWTBearer {
		return textOrFile(string(s.options.ClientCertificateKey), s.options.ClientCertificateKeyFile)
	}
	return textOrFile(string(s.options.ClientSecret), s.options.ClientSecretFile)
}

// fetch asks for a new token. A redirect is not followed: it would take the
// secret to a place that nobody has named.
func (s *tokenSource) fetch(ctx context.Context, secret string) (*oauth2.Token, error) {
	t := newTransport(s.proxy, &s.options.ProxyConfig, false)
	t.DialContext = viaProxy(s.dialer)
	var err error
	if t.TLSClientConfig, err = s.tls.config(""); err != nil {
		return nil, err
	}
	defer t.CloseIdleConnections()
	client := &http.Client{
		Transport:     &tokenTrip{ctx, s.agent, t},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if s.grant == nil || s.grantedTo != secret {
		s.grant, s.grantedTo = s.newGrant(secret), secret
	}
	token, err := s.grant.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client)).Token()
	if err == nil && token.AccessToken == "" {
		err = errNoToken
	}
	return token, err
}

// grant is a way to ask for tokens. It remembers how the endpoint wants to be asked.
type grant interface {
	TokenSource(ctx context.Context) oauth2.TokenSource
}

func (s *tokenSource) newGrant(secret string) grant {
	o, params := s.options, url.Values{}
	for name, value := range o.EndpointParams {
		params.Set(name, value)
	}
	if o.GrantType != grantJWTBearer {
		return &clientcredentials.Config{
			ClientID: o.ClientID, ClientSecret: secret,
			Scopes: o.Scopes, TokenURL: o.TokenURL, EndpointParams: params,
		}
	}
	issuer, algorithm := o.Iss, jwt.SigningMethodRS256
	if issuer == "" {
		issuer = o.ClientID
	}
	switch o.SignatureAlgorithm {
	case jwt.SigningMethodRS384.Name:
		algorithm = jwt.SigningMethodRS384
	case jwt.SigningMethodRS512.Name:
		algorithm = jwt.SigningMethodRS512
	}
	return &config.JwtGrantTypeConfig{
		PrivateKey: []byte(secret), PrivateKeyID: o.ClientCertificateKeyID,
		Scopes: o.Scopes, TokenURL: o.TokenURL, EndpointParams: params,
		SigningAlgorithm: algorithm, Iss: issuer, Subject: o.ClientID,
		Audience: o.Audience, PrivateClaims: o.Claims,
	}
}

// tokenTrip makes the requests obey the probe's deadline, which not every grant
// type does by itself.
type tokenTrip struct {
	ctx   context.Context
	agent string
	next  http.RoundTripper
}

// RoundTrip makes one request.
func (t *tokenTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(t.ctx)
	req.Header.Set("User-Agent", t.agent)
	return t.next.RoundTrip(req)
}

var errNoToken = because(ReasonBody, errors.New("the answer holds no token"))

// explainToken gives what the token endpoint has said its reason. Bodies are not
// repeated: they may hold what is secret.
func explainToken(ctx context.Context, err error) error {
	var (
		refused *oauth2.RetrieveError
		known   *reasonError
	)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &refused) && refused.Response != nil && (refused.Response.StatusCode < 200 || refused.Response.StatusCode > 299):
		text := fmt.Sprintf("status %d", refused.Response.StatusCode)
		if refused.ErrorCode != "" {
			text = withDetail(text, refused.ErrorCode)
		}
		return because(ReasonStatus, errors.New(text))
	case errors.As(err, &known), isTimeout(err), isTLS(err), isNet(err), isEOF(err):
		return err
	case errors.Is(err, jwt.ErrKeyMustBePEMEncoded), errors.Is(err, jwt.ErrNotRSAPrivateKey):
		return because(ReasonInternal, errors.New("client_certificate_key is not an RSA key in PEM"))
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return err
	}
	return errNoToken
}

// validateOAuth2 checks what we need to ask for tokens.
func validateOAuth2(o *config.OAuth2) (faults []error) {
	fault := func(key, format string, args ...any) {
		faults = append(faults, &FieldError{"oauth2." + key, fmt.Sprintf(format, args...)})
	}
	if u, err := url.Parse(o.TokenURL); o.TokenURL != "" && (err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https") {
		fault("token_url", "must be a URL with http:// or https://")
	}
	switch o.GrantType {
	case "", grantClientCredentials, grantJWTBearer:
	default:
		fault("grant_type", "must be %s or %s, not %q", grantClientCredentials, grantJWTBearer, o.GrantType)
	}
	if o.ClientSecretRef != "" || o.ClientCertificateKeyRef != "" {
		fault("client_secret_ref", "is a secret reference, which is not supported")
	}
	for _, each := range checkTLSConfig(&o.TLSConfig) {
		fault("tls_config", "%s", detailOf(each))
	}
	if err := checkProxyURL(&o.ProxyConfig); err != nil {
		fault("proxy_url", "%s", err)
	}
	return faults
}

func detailOf(err error) string {
	if field, ok := errors.AsType[*FieldError](err); ok {
		return field.Detail
	}
	return err.Error()
}
