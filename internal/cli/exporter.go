package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/health-exporter/health_exporter/client"
)

// DefaultURL is where an exporter is looked for if nobody says where it is.
const DefaultURL = "http://localhost:10115"

// Exporter is a running exporter, and how to talk to it.
type Exporter struct {
	// URL may have a user and password, for one behind --web.config.file; empty
	// means DefaultURL.
	URL string
	// Token, or the file that it is in.
	Token, TokenFile string
	// CAFile has the certificates to trust in place of the system's. Insecure
	// trusts everybody.
	CAFile   string
	Insecure bool
	// Timeout bounds one request; default 10 s.
	Timeout time.Duration

	client *client.Client
}

const defaultRequestTimeout = 10 * time.Second

// open reads the files and makes the client.
func (e *Exporter) open() error {
	u, err := url.Parse(cmp.Or(e.URL, DefaultURL))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("--url is not a valid URL, such as " + DefaultURL) // it may have a password in it
	}
	user := u.User
	u.User = nil
	e.URL = u.String()
	token, err := e.token()
	switch {
	case err != nil:
		return err
	case token != "" && user != nil:
		return fmt.Errorf("there is a token and a user in --url, and only one of them can be sent: omit one (%s is a token, too)", client.TokenVariable)
	}
	transport, err := e.transport()
	if err != nil {
		return err
	}
	var roundTripper http.RoundTripper = transport
	if user != nil {
		roundTripper = &asUser{Transport: transport, user: user}
	}
	e.client = &client.Client{Exporter: e.URL, Token: token, HTTP: &http.Client{Transport: roundTripper, CheckRedirect: stayThere}}
	return nil
}

func (e *Exporter) token() (string, error) {
	if e.TokenFile == "" {
		return e.Token, nil
	}
	text, err := os.ReadFile(e.TokenFile)
	if err != nil {
		return "", fmt.Errorf("reading the token (--token-file): %w", err)
	}
	if token := strings.TrimSpace(string(text)); token != "" {
		return token, nil
	}
	return "", fmt.Errorf("reading the token (--token-file): %s is empty", e.TokenFile)
}

func (e *Exporter) transport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: e.Insecure} // only if asked for
	if e.CAFile == "" {
		return t, nil
	}
	text, err := os.ReadFile(e.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading certificates (--ca-file): %w", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("reading certificates (--ca-file): %s has none in PEM", e.CAFile)
	}
	return t, nil
}

// stayThere keeps credentials from going to another host, or from TLS to plain HTTP.
func stayThere(r *http.Request, via []*http.Request) error {
	if r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme && r.URL.Scheme != "https" || len(via) > 3 {
		return fmt.Errorf("it redirects to %s; give that as --url if you trust it", r.URL.Redacted())
	}
	return nil
}

// asUser sends a user and password with each request.
type asUser struct {
	*http.Transport
	user *url.Userinfo
}

// RoundTrip is that of the transport, with the user.
func (a *asUser) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	password, _ := a.user.Password()
	r.SetBasicAuth(a.user.Username(), password)
	return a.Transport.RoundTrip(r)
}

// do makes one request, in time.
func (e *Exporter) do(ctx context.Context, method, path string, body, into any) error {
	return e.doWithin(ctx, e.Timeout, method, path, body, into)
}

func (e *Exporter) doWithin(ctx context.Context, timeout time.Duration, method, path string, body, into any) error {
	if e.client == nil {
		if err := e.open(); err != nil {
			return err
		}
	}
	timeout = cmp.Or(timeout, defaultRequestTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it has not answered within %s", timeout))
	defer cancel()
	err := e.client.Do(ctx, method, path, body, into)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return e.explained(err)
}

// done lets go of the connection.
func (e *Exporter) done() {
	if e.client != nil {
		e.client.HTTP.CloseIdleConnections()
	}
}

// unreachable means that the exporter could not be asked.
type unreachable struct{ advice string }

// Error says what to do about it.
func (u *unreachable) Error() string { return u.advice }

// explained is an error that says what to do about it.
func (e *Exporter) explained(err error) error {
	if err == nil {
		return nil
	}
	if refused, ok := errors.AsType[*client.Refusal](err); ok {
		return e.explainedRefusal(refused)
	}
	if cause := errors.Unwrap(err); cause != nil && strings.HasPrefix(err.Error(), "asking the exporter: ") {
		err = cause
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	advice := fmt.Sprintf("the exporter at %s cannot be asked: %s", e.URL, err)
	_, unknownCA := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		advice = fmt.Sprintf("nothing listens at %s: is the exporter running? Say where it is with --url or %s", e.URL, client.URLVariable)
	case unknownCA:
		advice += "; give the certificate of its CA with --ca-file, or trust it blindly with --insecure"
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		advice += "; try http:// in --url"
	}
	return &unreachable{advice}
}

func (e *Exporter) explainedRefusal(r *client.Refusal) error {
	detail := r.Detail
	switch {
	case r.Status == http.StatusUnauthorized && e.client.Token != "":
		return &unreachable{fmt.Sprintf("the exporter at %s does not accept the token (%s)", e.URL, printable(detail))}
	case r.Status == http.StatusUnauthorized:
		return &unreachable{fmt.Sprintf("the exporter at %s requires authentication (%s): give a token with --token-file or %s, or a user in --url",
			e.URL, printable(cmp.Or(strings.TrimSpace(detail), "401")), client.TokenVariable)}
	case r.Status == http.StatusNotFound && r.Title == "":
		return &unreachable{fmt.Sprintf("there is no API of a health_exporter at %s (404): is --url right? It may need a path", e.URL)}
	case r.Status == http.StatusBadRequest && strings.Contains(detail, "HTTP request to an HTTPS server"):
		return &unreachable{fmt.Sprintf("the exporter at %s speaks TLS: try https:// in --url", e.URL)}
	}
	return r
}

// targetPath is where a target is in the API.
func targetPath(app string, more ...string) string {
	return strings.Join(append([]string{"api/v1/targets", url.PathEscape(app)}, more...), "/")
}
