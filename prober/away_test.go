package prober

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

// seen is what a server learns of who asks.
func seen(r *http.Request) string {
	what := r.Header.Get("Authorization") + " " + r.Header.Get("Cookie") + " " + r.Header.Get("X-Api-Key")
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		what += " certificate"
	}
	return strings.TrimSpace(what)
}

// Who we are is for the host and port that it was configured for, and for nobody that
// a redirect names.
func TestCredentialsStayAtHome(t *testing.T) {
	ca := newAuthority(t)
	certFile, keyFile := keyPair(t, ca.issue(t, time.Now().Add(time.Hour), "me.example"))
	secretFile := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secretFile, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	token := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"s3cret","token_type":"bearer","expires_in":3600}`)
	})
	start := func(secure bool, handler http.HandlerFunc) string {
		server := httptest.NewUnstartedServer(handler)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		t.Cleanup(server.Close)
		if !secure {
			server.Start()
			return server.URL
		}
		server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1", "localhost")}, ClientAuth: tls.RequestClientCert}
		server.StartTLS()
		return server.URL
	}
	credentials := map[string]func(c *config.HTTPClientConfig){
		"basic": func(c *config.HTTPClientConfig) { c.BasicAuth = &config.BasicAuth{Username: "me", Password: "s3cret"} },
		"basic file": func(c *config.HTTPClientConfig) {
			c.BasicAuth = &config.BasicAuth{Username: "me", PasswordFile: secretFile}
		},
		"bearer":      func(c *config.HTTPClientConfig) { c.Authorization = &config.Authorization{Credentials: "s3cret"} },
		"bearer file": func(c *config.HTTPClientConfig) { c.Authorization = &config.Authorization{CredentialsFile: secretFile} },
		"oauth2": func(c *config.HTTPClientConfig) {
			c.OAuth2 = &config.OAuth2{ClientID: "me", ClientSecret: "x", TokenURL: token}
		},
		"http_headers": func(c *config.HTTPClientConfig) {
			c.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X-Api-Key": {Secrets: []config.Secret{"s3cret"}}, "Cookie": {Values: []string{"a=s3cret"}}}}
		},
		"certificate": func(c *config.HTTPClientConfig) { c.TLSConfig.CertFile, c.TLSConfig.KeyFile = certFile, keyFile },
		"userinfo":    func(*config.HTTPClientConfig) {},
	}
	for name, set := range credentials {
		for _, kind := range []string{"http", "health"} {
			for _, secure := range []bool{false, true} {
				if !secure && name == "certificate" {
					continue
				}
				for _, home := range []bool{false, true} {
					var got []string
					other := start(secure, func(_ http.ResponseWriter, r *http.Request) { got = append(got, seen(r)) })
					first := start(secure, func(w http.ResponseWriter, r *http.Request) {
						got = append(got, seen(r))
						switch {
						case r.URL.Path == "/home":
						case home:
							http.Redirect(w, r, "http"+map[bool]string{true: "s"}[secure]+"://"+r.Host+"/home", http.StatusFound)
						default:
							http.Redirect(w, r, other+"/there", http.StatusFound)
						}
					})
					m := moduleOf(t, kind, func(s spec) {
						switch p := s.(type) {
						case *httpProbe:
							p.Client.TLSConfig.CAFile = ca.file
							set(&p.Client)
						case *healthProbe:
							p.Client.TLSConfig.CAFile = ca.file
							set(&p.Client)
						}
					})
					if name == "userinfo" {
						first = strings.Replace(first, "://", "://me:s3cret@", 1)
					}
					res := probeWithin(t, m, 5*time.Second, Request{Target: first})
					if res.Outcome != health.Pass || len(got) != 2 || got[0] == "" {
						t.Errorf("%s %s, TLS %v, home %v: asked with %q: %+v", kind, name, secure, home, got, res)
						continue
					}
					if want := map[bool]string{true: got[0]}[home]; got[1] != want && !(home && kind == "http" && name == "userinfo") {
						t.Errorf("%s %s, TLS %v: the second request came with %q, want %q", kind, name, secure, got[1], want)
					}
				}
			}
		}
	}
}

// There is no coming back: who was led away may have been led back by somebody else.
func TestCredentialsDoNotComeBack(t *testing.T) {
	var last string
	var home *httptest.Server
	other := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, home.URL+"/back", http.StatusFound) })
	home = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if last = seen(r); !strings.HasPrefix(r.URL.Path, "/back") {
			http.Redirect(w, r, other, http.StatusFound)
		}
	}))
	t.Cleanup(home.Close)
	for _, kind := range []string{"http", "health"} {
		m := moduleOf(t, kind, func(s spec) {
			basic := &config.BasicAuth{Username: "me", Password: "s3cret"}
			switch p := s.(type) {
			case *httpProbe:
				p.Client.BasicAuth = basic
			case *healthProbe:
				p.Client.BasicAuth = basic
			}
		})
		if res := probeWithin(t, m, 5*time.Second, Request{Target: home.URL}); res.Outcome != health.Pass || last != "" {
			t.Errorf("%s: came back with %q: %+v", kind, last, res)
		}
	}
}

// A connection that was kept serves only who would have been served on a new one.
func TestKeptConnectionsAreForWhomTheyWereMade(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	secure := serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "a.example"), false, func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.ServerName != plainHost(r.Host) {
			t.Errorf("asked for %s on a connection to %s", r.Host, r.TLS.ServerName)
		}
	})
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	passwordFile := filepath.Join(t.TempDir(), "password")
	copyFile := func(from string) {
		content, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(caFile, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	copyFile(ca.file)
	if err := os.WriteFile(passwordFile, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := healthModule(t, func(p *healthProbe) {
		p.KeepAlive, p.Client.TLSConfig.CAFile = true, caFile
		p.Client.BasicAuth = &config.BasicAuth{Username: "me", PasswordFile: passwordFile}
	})
	probe := func(name string) Result {
		return probeWithin(t, m, 5*time.Second, Request{Target: secure, Hostname: name})
	}
	kept := func() int { return len(m.spec.(*healthProbe).conns.idle.conns) }
	for range 2 {
		if res := probe("a.example"); res.Outcome != health.Pass || kept() != 1 {
			t.Fatalf("%d kept: %+v", kept(), res)
		}
	}
	// The certificate is for a.example, whoever was there before.
	for _, name := range []string{"b.example", "", "a.example.", "127.0.0.1"} {
		if res := probe(name); (res.Reason == ReasonTLS) == (plainHost(name) == "a.example") {
			t.Errorf("%q: %+v", name, res)
		}
	}
	// Other credentials are another connection.
	before := kept()
	if err := os.WriteFile(passwordFile, []byte("second and longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	if res := probe("a.example"); res.Outcome != health.Pass || kept() != before+1 {
		t.Errorf("%d kept, %d before: %+v", kept(), before, res)
	}
	// And so are other authorities: who was trusted may not be any more.
	copyFile(other.file)
	if res := probe("a.example"); res.Reason != ReasonTLS {
		t.Errorf("%+v", res)
	}
}
