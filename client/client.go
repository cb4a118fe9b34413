package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/client/api"
)

// The environment variables that say where the exporter is, and with which token
// it lets us register.
const (
	URLVariable   = "HEALTH_EXPORTER_URL"
	TokenVariable = "HEALTH_EXPORTER_TOKEN"
)

// ErrNotFound means that no exporter was found: neither the Client nor the
// environment names one, and the Finder knows of none.
var ErrNotFound = errors.New("no health_exporter found on the local network: is one running, with --zeroconf, where multicast gets through? " +
	"Else set " + URLVariable + ", or Client.Exporter")

// Finder finds an exporter on the network.
type Finder interface {
	// Find returns the URL of an exporter. The error is ErrNotFound if there is none.
	Find(ctx context.Context) (url string, err error)
}

// Client talks to one exporter. The zero Client looks for it in the environment, and
// then on the local network.
type Client struct {
	// Exporter is its URL, such as http://10.0.0.2:10115; empty means that of the
	// environment variable HEALTH_EXPORTER_URL, or else what the Finder finds.
	Exporter string
	// Token identifies us to the exporter; empty means that of the environment variable
	// HEALTH_EXPORTER_TOKEN. Within private networks none is needed. It is sent only to an
	// exporter that Exporter or the environment names, never to one that was found: anybody
	// may answer there.
	Token string
	// Finder finds the exporter if nobody says where it is; nil means Multicast. It is
	// asked with each request; a Registration remembers what it found.
	Finder Finder
	// HTTP makes the requests; nil means http.DefaultClient. Whatever it is, a request takes
	// 5 s at most, or until the deadline of its context.
	HTTP *http.Client
	// Log receives what goes wrong in the background. nil discards.
	Log *slog.Logger
	// Recheck is how often the exporter is asked whether it still knows us; default
	// DefaultRecheck.
	Recheck time.Duration
}

// DefaultRecheck is how often a registration is checked.
const DefaultRecheck = time.Minute

const (
	requestTimeout = 5 * time.Second
	maxAnswer      = 1 << 20
)

// Target is what the exporter knows about a program.
type Target = api.Target

// Fault is what is wrong with one field.
type Fault = api.Fault

// Refusal is an answer of the exporter that refuses a request.
type Refusal struct {
	// Status is the HTTP status.
	Status int
	Title  string
	Detail string
	// Faults are those of single fields.
	Faults []Fault
}

// Error is what the exporter has answered.
func (r *Refusal) Error() string {
	parts := []string{cmp.Or(r.Detail, r.Title, http.StatusText(r.Status))}
	for _, f := range r.Faults {
		parts = append(parts, f.Field+": "+f.Detail)
	}
	return fmt.Sprintf("the exporter answered %d: %s", r.Status, strings.Join(parts, "; "))
}

// temporary reports whether the same request may succeed later.
func (r *Refusal) temporary() bool {
	return r.Status >= 500 || r.Status == http.StatusTooManyRequests || r.Status == http.StatusRequestTimeout
}

func (c *Client) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// Locate returns the URL of the exporter.
func (c *Client) Locate(ctx context.Context) (string, error) {
	at := cmp.Or(c.Exporter, os.Getenv(URLVariable))
	if at == "" {
		found, err := c.finder().Find(ctx)
		if err != nil {
			return "", fmt.Errorf("looking for an exporter: %w", err)
		}
		at = found
	}
	if at == "" {
		return "", ErrNotFound
	}
	if fault := urlFault(at); fault != "" {
		return "", fmt.Errorf("the exporter's URL %s", fault)
	}
	return at, nil
}

// named reports whether the user says which exporter it is. What is found may be anybody
// who answers, and gets no token.
func (c *Client) named() bool { return c.Exporter != "" || os.Getenv(URLVariable) != "" }

// staying is the client, which takes the token nowhere else by a redirect, and not from
// TLS to plain HTTP.
func staying(client *http.Client) *http.Client {
	if client == nil {
		client = http.DefaultClient
	}
	own, check := *client, client.CheckRedirect
	own.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if first := via[0].URL; r.URL.Host != first.Host || r.URL.Scheme != first.Scheme && r.URL.Scheme != "https" {
			r.Header.Del("Authorization")
		}
		if check != nil {
			return check(r, via)
		}
		if len(via) >= 10 {
			return errors.New("stopped after 10 redirects")
		}
		return nil
	}
	return &own
}

func (c *Client) finder() Finder {
	if c.Finder == nil {
		return Multicast{}
	}
	return c.Finder
}

// targetsURL is where the API has a target or, without a name, all of them.
func targetsURL(exporter, app string, more ...string) (string, error) {
	elements := []string{"api/v1/targets"}
	if app != "" {
		elements = append(elements, url.PathEscape(app))
	}
	return url.JoinPath(exporter, append(elements, more...)...)
}

// do makes one request and decodes the answer into into, if that is not nil.
func (c *Client) do(ctx context.Context, method, app, action string, body, into any) (status int, err error) {
	exporter, err := c.Locate(ctx)
	if err != nil {
		return 0, err
	}
	var more []string
	if action != "" {
		more = append(more, action)
	}
	at, err := targetsURL(exporter, app, more...)
	if err != nil {
		return 0, fmt.Errorf("the exporter's URL %q: %w", exporter, err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return c.send(ctx, method, at, body, into, maxAnswer)
}

// send makes a request and reads an answer of limited size.
func (c *Client) send(ctx context.Context, method, at string, body, into any, limit int64) (status int, err error) {
	req, err := request(ctx, method, at, body)
	if err != nil {
		return 0, err
	}
	if token := cmp.Or(c.Token, os.Getenv(TokenVariable)); token != "" && c.named() {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := staying(c.HTTP).Do(req)
	if err != nil {
		return 0, fmt.Errorf("asking the exporter: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return 0, fmt.Errorf("asking the exporter: %w", err)
	}
	if int64(len(text)) > limit {
		return resp.StatusCode, fmt.Errorf("the answer from %s has more than %d bytes", at, limit)
	}
	if resp.StatusCode >= 300 {
		return resp.StatusCode, refusal(resp.StatusCode, text)
	}
	if into == nil || len(text) == 0 {
		return resp.StatusCode, nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return resp.StatusCode, fmt.Errorf("the answer from %s is not that of an exporter: %w", at, err)
	}
	return resp.StatusCode, nil
}

func request(ctx context.Context, method, at string, body any) (*http.Request, error) {
	if body == nil {
		return http.NewRequestWithContext(ctx, method, at, nil)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encoding the registration: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// refusal reads a problem+json, or whatever else a proxy in between may say.
func refusal(status int, body []byte) *Refusal {
	r := &Refusal{Status: status}
	var problem api.Problem
	if json.Unmarshal(body, &problem) == nil {
		r.Title, r.Detail, r.Faults = problem.Title, problem.Detail, problem.Errors
	} else if line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n"); len(line) < 200 {
		r.Detail = line
	}
	return r
}

// gone reports whether an error says that the exporter does not know the program, or does
// not any more.
func gone(err error) bool {
	refused, ok := errors.AsType[*Refusal](err)
	return ok && (refused.Status == http.StatusNotFound || refused.Status == http.StatusGone)
}

// noLease reports whether an error says that there is nothing to renew: somebody has
// registered the program without a lease.
func noLease(err error) bool {
	refused, ok := errors.AsType[*Refusal](err)
	return ok && refused.Status == http.StatusConflict
}
