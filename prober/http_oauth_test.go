package prober

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// tokenRequest is what a token endpoint was asked.
type tokenRequest struct {
	Basic string
	Form  url.Values
}

// tokenEndpoint gives tokens t1, t2 … that last so many seconds; 0 says nothing
// about that. Each answer needs the secret to be as it should.
type tokenEndpoint struct {
	url     string
	expires int
	secret  atomic.Value // of string
	given   atomic.Int32
	asked   chan tokenRequest
}

func serveTokens(t testing.TB, expires int) *tokenEndpoint {
	t.Helper()
	e := &tokenEndpoint{expires: expires, asked: make(chan tokenRequest, 64)}
	e.secret.Store("s3cret")
	e.url = serve(t, e.answer) + "/token"
	return e
}

func (e *tokenEndpoint) answer(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	id, secret, _ := r.BasicAuth()
	e.asked <- tokenRequest{id + ":" + secret, r.PostForm}
	w.Header().Set("Content-Type", "application/json")
	if secret != e.secret.Load() {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"`+secret+`"}`)
		return
	}
	answer := map[string]any{"access_token": fmt.Sprintf("t%d", e.given.Add(1)), "token_type": "bearer"}
	if e.expires > 0 {
		answer["expires_in"] = e.expires
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (e *tokenEndpoint) options() *config.OAuth2 {
	return &config.OAuth2{ClientID: "me", ClientSecret: "s3cret", TokenURL: e.url}
}

// oauthModules are the kinds that know OAuth 2.0, with the options.
func oauthModules(t testing.TB, o *config.OAuth2) map[string]*Module {
	return map[string]*Module{
		"http":   httpModule(t, func(p *httpProbe) { p.Client.OAuth2 = o }),
		"health": healthModule(t, func(p *healthProbe) { p.Client.OAuth2 = o }),
	}
}

// serveAuthorization tells with which Authorization it was asked.
func serveAuthorization(t testing.TB) (target string, got chan string) {
	got = make(chan string, 64)
	return serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("Authorization") }), got
}

// A token is got once, and again when it has expired or the secret has changed.
func TestOAuth2Token(t *testing.T) {
	target, got := serveAuthorization(t)
	probe := func(m *Module, want string) {
		t.Helper()
		if res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true}); res.Outcome != health.Pass {
			t.Errorf("%s: %s", m.Kind(), res.Error)
		} else if got := <-got; got != want {
			t.Errorf("%s: Authorization is %q, want %q", m.Kind(), got, want)
		}
	}
	for _, kind := range []string{"http", "health"} {
		lasting := serveTokens(t, 3600)
		o := lasting.options()
		o.Scopes, o.EndpointParams = []string{"read", "write"}, map[string]string{"audience": "it"}
		m := oauthModules(t, o)[kind]
		probe(m, "Bearer t1")
		probe(m, "Bearer t1")
		want := tokenRequest{"me:s3cret", url.Values{"grant_type": {"client_credentials"}, "scope": {"read write"}, "audience": {"it"}}}
		if diff := cmp.Diff(want, <-lasting.asked); diff != "" {
			t.Errorf("request for a token (-want +got):\n%s", diff)
		}

		// Less than the leeway of ten seconds: it is as good as expired.
		short := oauthModules(t, serveTokens(t, 5).options())[kind]
		probe(short, "Bearer t1")
		probe(short, "Bearer t2")

		endless := oauthModules(t, serveTokens(t, 0).options())[kind]
		probe(endless, "Bearer t1")
		probe(endless, "Bearer t1")

		rotating := serveTokens(t, 3600)
		o = rotating.options()
		o.ClientSecret, o.ClientSecretFile = "", filepath.Join(t.TempDir(), "secret")
		writeText(t, o.ClientSecretFile, "s3cret\n")
		m = oauthModules(t, o)[kind]
		probe(m, "Bearer t1")
		rotating.secret.Store("n3w")
		writeText(t, o.ClientSecretFile, "n3w\n")
		probe(m, "Bearer t2")
	}
}

func writeText(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Many probes at once that need a token get it by one request.
func TestOAuth2OneRequestForAll(t *testing.T) {
	endpoint := serveTokens(t, 3600)
	target := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, m := range oauthModules(t, endpoint.options()) {
		before := len(endpoint.asked)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if res := probeWithin(t, m, 10*time.Second, Request{Target: target}); res.Outcome != health.Pass {
					t.Error(res.Error)
				}
			})
		}
		wg.Wait()
		if n := len(endpoint.asked) - before; n != 1 {
			t.Errorf("%s: %d requests for a token", m.Kind(), n)
		}
	}
}

// A redirect to another host gets no token.
func TestOAuth2TokenStaysAtHome(t *testing.T) {
	away, got := serveAuthorization(t)
	away = strings.Replace(away, "127.0.0.1", "localhost", 1)
	target := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, away, http.StatusFound) })
	m := oauthModules(t, serveTokens(t, 3600).options())["http"]
	if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
		t.Fatal(res.Error)
	}
	if got := <-got; got != "" {
		t.Errorf("Authorization is %q", got)
	}
}

// What goes wrong on the way to a token is told apart from what goes wrong on the
// way to the target, which is never asked.
func TestOAuth2Failures(t *testing.T) {
	target := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the target was asked") })
	ca := newAuthority(t)
	secure := serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1"), true, func(http.ResponseWriter, *http.Request) {})
	answering := func(code int, contentType, body string) string {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		})
	}
	silent := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	dead := testport.Reserve(t)
	refusing := serveTokens(t, 0)
	refusing.secret.Store("another")
	tests := []struct {
		name   string
		set    func(o *config.OAuth2)
		reason Reason
		text   string
	}{
		{"refused", func(o *config.OAuth2) { o.TokenURL = "http://" + dead }, ReasonConnect, "connection refused"},
		{"no such host", func(o *config.OAuth2) { o.TokenURL = "http://none.example" }, ReasonDNS, "looking up none.example: no such host"},
		{"silent", func(o *config.OAuth2) { o.TokenURL = "http://" + silent }, ReasonTimeout, "no answer within 500ms"},
		{"unknown authority", func(o *config.OAuth2) { o.TokenURL = secure }, ReasonTLS, "certificate is signed by an unknown authority"},
		{"always refused address", func(o *config.OAuth2) { o.TokenURL = "http://169.254.169.254/token" }, ReasonPolicy, "the network policy forbids 169.254.169.254: link-local address"},
		{"wrong secret", func(o *config.OAuth2) { o.TokenURL = refusing.url }, ReasonStatus, "status 401: invalid_client"},
		{"no secret file", func(o *config.OAuth2) { o.ClientSecret, o.ClientSecretFile = "", "/nowhere/s" }, ReasonInternal, ""},
		{"error page", func(o *config.OAuth2) { o.TokenURL = answering(500, "text/html", "s3cret") }, ReasonStatus, "status 500"},
		{"redirect", func(o *config.OAuth2) { o.TokenURL = answering(307, "text/html", "") }, ReasonStatus, "status 307"},
		{"error with status 200", func(o *config.OAuth2) { o.TokenURL = answering(200, "application/json", `{"error":"x"}`) }, ReasonBody, "the answer holds no token"},
		{"no JSON", func(o *config.OAuth2) { o.TokenURL = answering(200, "application/json", "s3cret") }, ReasonBody, "the answer holds no token"},
		{"no token", func(o *config.OAuth2) { o.TokenURL = answering(200, "application/json", "{}") }, ReasonBody, "the answer holds no token"},
		{"no token for a JWT", func(o *config.OAuth2) {
			o.TokenURL, o.GrantType, o.ClientCertificateKey = answering(200, "application/json", "{}"), grantJWTBearer, rsaKey(t)
		}, ReasonBody, "the answer holds no token"},
		{"silent for a JWT", func(o *config.OAuth2) {
			o.TokenURL, o.GrantType, o.ClientCertificateKey = "http://"+silent, grantJWTBearer, rsaKey(t)
		}, ReasonTimeout, "no answer within 500ms"},
		{"no key", func(o *config.OAuth2) {
			o.GrantType, o.ClientCertificateKey = grantJWTBearer, "s3cret"
		}, ReasonInternal, "client_certificate_key is not an RSA key in PEM"},
	}
	resolver := fakeDNS(t, nil)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := &config.OAuth2{ClientID: "me", ClientSecret: "s3cret", TokenURL: "http://127.0.0.1:1"}
			test.set(o)
			for kind, m := range oauthModules(t, o) {
				switch p := m.spec.(type) {
				case *httpProbe:
					p.dialer.resolver = resolver
				case *healthProbe:
					p.conns.dialer.resolver = resolver
				}
				timeout := 10 * time.Second
				if test.reason == ReasonTimeout {
					timeout = 500 * time.Millisecond
				}
				res := probeWithin(t, m, timeout, Request{Target: target, Samples: true})
				if res.Reason != test.reason || res.Phase != PhaseRequest || !res.CertExpiry.IsZero() {
					t.Errorf("%s: got %s in %q, certificate %v: %s", kind, res.Reason, res.Phase, res.CertExpiry, res.Error)
				}
				if want := "getting an OAuth2 token: " + test.text; test.text != "" && res.Error != want {
					t.Errorf("%s: says %q, want %q", kind, res.Error, want)
				}
				if strings.Contains(res.Error, "s3cret") {
					t.Errorf("%s: tells the secret: %s", kind, res.Error)
				}
				if _, shown := valuesOf(res.Samples)["probe_ssl_earliest_cert_expiry"]; shown {
					t.Errorf("%s: the endpoint's certificate is shown as the target's", kind)
				}
			}
		})
	}
}

// The endpoint has TLS options and a proxy of its own.
func TestOAuth2TLSAndProxy(t *testing.T) {
	ca := newAuthority(t)
	endpoint := &tokenEndpoint{asked: make(chan tokenRequest, 8)}
	endpoint.secret.Store("s3cret")
	secure := serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "auth.example"), true, endpoint.answer)
	asked := make(chan string, 8)
	proxy := forwardProxy(t, strings.TrimPrefix(secure, "https://"), asked)
	target, got := serveAuthorization(t)
	for kind, m := range oauthModules(t, &config.OAuth2{
		ClientID: "me", ClientSecret: "s3cret", TokenURL: "https://auth.example/token",
		TLSConfig:   config.TLSConfig{CAFile: ca.file},
		ProxyConfig: config.ProxyConfig{ProxyURL: config.URL{URL: proxy}},
	}) {
		if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
			t.Fatalf("%s: %s", kind, res.Error)
		}
		if got := <-got; !strings.HasPrefix(got, "Bearer t") {
			t.Errorf("%s: Authorization is %q", kind, got)
		}
		if got := <-asked; !strings.HasPrefix(got, "CONNECT auth.example:443 ") {
			t.Errorf("%s: the proxy was asked %q", kind, got)
		}
	}
}

func TestOAuth2Faults(t *testing.T) {
	for want, set := range map[string]func(o *config.OAuth2){
		"oauth2: oauth2 client_id must be configured": func(o *config.OAuth2) { o.ClientID = "" },
		"oauth2: oauth2 token_url must be configured": func(o *config.OAuth2) { o.TokenURL = "" },
		"oauth2.token_url: must be a URL with http:// or https://": func(o *config.OAuth2) {
			o.TokenURL = "auth.example/token"
		},
		`oauth2.grant_type: must be client_credentials or ` + grantJWTBearer + `, not "password"`: func(o *config.OAuth2) {
			o.GrantType = "password"
		},
		"oauth2.client_secret_ref: is a secret reference, which is not supported": func(o *config.OAuth2) {
			o.ClientSecret, o.ClientSecretRef = "", "x"
		},
		`oauth2.proxy_url: scheme must be http, https, socks5 or socks5h, not "ftp"`: func(o *config.OAuth2) {
			o.ProxyURL = config.URL{URL: &url.URL{Scheme: "ftp", Host: "h"}}
		},
		"oauth2.tls_config: exactly one of key or key_file must be configured when a client certificate is configured": func(o *config.OAuth2) {
			o.TLSConfig.CertFile = "x"
		},
	} {
		_, err := NewModule(ModuleSource{Kind: "http", Decode: func(into any) error {
			o := &config.OAuth2{ClientID: "me", ClientSecret: "s", TokenURL: "http://auth.example/token"}
			set(o)
			into.(*httpProbe).Client.OAuth2 = o
			return nil
		}})
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
