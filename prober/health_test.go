package prober

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// healthModule makes a module of kind health; set may change its options.
func healthModule(t testing.TB, set func(p *healthProbe)) *Module {
	t.Helper()
	m, err := NewModule(ModuleSource{Kind: "health", Decode: func(into any) error {
		if set != nil {
			set(into.(*healthProbe))
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.spec.(*healthProbe).conns.idle.closeAll)
	return m
}

// closeAll closes what is kept.
func (i *idleConns) closeAll() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, list := range i.conns {
		for _, conn := range list {
			if conn.timer.Stop() {
				conn.Close()
			}
		}
	}
	clear(i.conns)
}

var ignoreTimes = cmpopts.IgnoreFields(Result{}, "Start", "Duration")

func TestHealthResult(t *testing.T) {
	const jsonType, healthType = "application/json", health.MediaType
	tests := []struct {
		name, contentType, body string
		code                    int
		codes                   StatusCodes
		options                 func(p *healthProbe)
		want                    Result
	}{
		{name: "text", contentType: "text/plain", body: "ok", want: Result{Outcome: health.Pass}},
		{
			name: "a word of ASP.NET", contentType: "text/plain", body: "Degraded\r\n",
			want: Result{Outcome: health.Warn, Error: "the target warns", Report: &health.Report{Status: health.Warn}},
		},
		{
			name: "spring boot", contentType: "application/vnd.spring-boot.actuator.v3+json", body: `{"status":"OUT_OF_SERVICE"}`,
			want: Result{
				Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseCheck, Error: "the target says it fails",
				Response: []byte(`{"status":"OUT_OF_SERVICE"}`), Report: &health.Report{Status: health.Fail},
			},
		},
		{name: "no body", want: Result{Outcome: health.Pass}},
		{
			name: "pass", contentType: healthType, body: `{"status":"pass","version":"2"}`,
			want: Result{Outcome: health.Pass, Response: []byte(`{"status":"pass","version":"2"}`), Report: &health.Report{Status: health.Pass, Version: "2"}},
		},
		{
			name: "warn", contentType: healthType + "; charset=utf-8", body: `{"status":"WARN","output":"disk 90 %"}`,
			want: Result{
				Outcome: health.Warn, Error: "the target warns: disk 90 %", Response: []byte(`{"status":"WARN","output":"disk 90 %"}`),
				Report: &health.Report{Status: health.Warn, Output: "disk 90 %"},
			},
		},
		{
			name: "fail in the body", contentType: "Application/JSON", body: `{"status":"down"}`,
			want: Result{
				Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseCheck, Error: "the target says it fails", Response: []byte(`{"status":"down"}`),
				Report: &health.Report{Status: health.Fail},
			},
		},
		{name: "other JSON", contentType: jsonType, body: `{"a":1}`, want: Result{Outcome: health.Pass, Response: []byte(`{"a":1}`)}},
		{name: "numeric status", contentType: jsonType, body: `{"status":500}`, want: Result{Outcome: health.Pass, Response: []byte(`{"status":500}`)}},
		{
			name: "JSON called text", contentType: "text/plain", body: `{"status":"fail"}`,
			want: Result{Outcome: health.Pass, Response: []byte(`{"status":"fail"}`)},
		},
		{name: "malformed JSON", contentType: jsonType, body: `{"status":`, want: Result{Outcome: health.Pass}},
		{name: "malformed health+json", contentType: healthType, body: `{"status":`, want: Result{Outcome: health.Pass, BodyError: true}},
		{
			name: "health+json that is not an object", contentType: healthType, body: `[]`,
			want: Result{Outcome: health.Pass, BodyError: true, Response: []byte(`[]`)},
		},
		{
			name: "problem+json", contentType: "application/problem+json", code: 503, body: `{"status":503,"title":"x"}`,
			want: Result{Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 503, want 200", Response: []byte(`{"status":503,"title":"x"}`)},
		},
		{
			name: "wrong code, says pass", contentType: healthType, code: 500, body: `{"status":"pass","output":"all\nfine"}`,
			want: Result{
				Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 500, want 200: all fine",
				Response: []byte(`{"status":"pass","output":"all\nfine"}`), Report: &health.Report{Status: health.Pass, Output: "all fine"},
			},
		},
		{name: "204 is not 200", code: 204, want: Result{Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 204, want 200"}},
		{
			name: "codes of the module", code: 204, options: func(p *healthProbe) { p.ValidStatusCodes = StatusCodes{{200, 299}} },
			want: Result{Outcome: health.Pass},
		},
		{name: "codes of the request", code: 418, codes: StatusCodes{{418, 418}}, want: Result{Outcome: health.Pass}},
		{
			name: "codes of the request win", codes: StatusCodes{{201, 204}, {418, 418}},
			want: Result{Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 200, want 201-204, 418"},
		},
		{
			name: "ignore_body", contentType: healthType, body: `{"status":"fail"}`, options: func(p *healthProbe) { p.IgnoreBody = true },
			want: Result{Outcome: health.Pass},
		},
		{
			name: "large body", contentType: healthType, body: `{"status":"fail","x":"` + strings.Repeat("x", 70<<10) + `"}`,
			want: Result{Outcome: health.Warn, Error: "body is larger than 64 KiB: what it says of its health was not read", BodyError: true},
		},
		{
			name: "large JSON", contentType: jsonType, body: `{"x":"` + strings.Repeat("x", 70<<10) + `"}`,
			want: Result{Outcome: health.Warn, Error: "body is larger than 64 KiB: what it says of its health was not read"},
		},
		{
			name: "large JSON and a wrong code", contentType: jsonType, code: 500, body: `{"x":"` + strings.Repeat("x", 70<<10) + `"}`,
			want: Result{Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 500, want 200"},
		},
		{name: "large page", contentType: "text/html", body: strings.Repeat("x", 70<<10), want: Result{Outcome: health.Pass}},
		{
			name: "body of 64 KiB", contentType: jsonType, body: `{"status":"fail"` + strings.Repeat(" ", 64<<10-17) + `}`,
			want: Result{
				Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseCheck, Error: "the target says it fails",
				Response: []byte(`{"status":"fail"` + strings.Repeat(" ", 64<<10-17) + `}`), Report: &health.Report{Status: health.Fail},
			},
		},
	}
	for _, test := range tests {
		for _, keepAlive := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", test.name, keepAlive), func(t *testing.T) {
				code := test.code
				if code == 0 {
					code = 200
				}
				base := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header()["Content-Type"] = nil
					if test.contentType != "" {
						w.Header().Set("Content-Type", test.contentType)
					}
					w.WriteHeader(code)
					_, _ = io.WriteString(w, test.body)
				})
				m := healthModule(t, func(p *healthProbe) {
					p.KeepAlive = keepAlive
					if test.options != nil {
						test.options(p)
					}
				})
				test.want.StatusCode = code
				for range 2 {
					got := probeWithin(t, m, 5*time.Second, Request{Target: base, StatusCodes: test.codes})
					if diff := cmp.Diff(test.want, got, ignoreTimes); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				}
			})
		}
	}
}

func TestHealthURL(t *testing.T) {
	got := make(chan string, 1)
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.RequestURI })
	m := healthModule(t, nil)
	for target, want := range map[string]string{
		"":                "/health",
		"/":               "/health",
		"//":              "/health",
		"/app":            "/app/health",
		"/app/":           "/app/health",
		"/a%2Fb/":         "/a%2Fb/health",
		"/app?x=1&y=a%20": "/app/health?x=1&y=a%20",
		"?q=a b":          "/health?q=a%20b",
		"/ä?ö#fragment":   "/%C3%A4/health?%C3%B6",
	} {
		res := probeWithin(t, m, 5*time.Second, Request{Target: base + target})
		if res.Outcome != health.Pass {
			t.Errorf("%q: %s", target, res.Error)
			continue
		}
		if uri := <-got; uri != want {
			t.Errorf("%q: asked for %q, want %q", target, uri, want)
		}
	}
	bare := strings.TrimPrefix(base, "http://")
	if res := probeWithin(t, m, 5*time.Second, Request{Target: bare}); res.Outcome != health.Pass || <-got != "/health" {
		t.Errorf("target without scheme: %+v", res)
	}
	for _, bad := range []string{"http://", "http://a b/", "http://[::1", "http://h/%zz", "http://u:secret@h:x/"} {
		res := probeWithin(t, m, time.Second, Request{Target: bad})
		if res.Reason != ReasonInternal || strings.Contains(res.Error, "secret") {
			t.Errorf("%q: got %s: %s", bad, res.Reason, res.Error)
		}
	}
}

func TestHealthRequestHeader(t *testing.T) {
	got := make(chan http.Header, 1)
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		r.Header.Set("Host", r.Host)
		got <- r.Header
	})
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(base, "http://")
	tests := []struct {
		name     string
		options  func(p *healthProbe)
		userinfo string
		hostname string
		want     http.Header // besides what is always there
	}{
		{name: "default", want: http.Header{"Connection": {"close"}}},
		{name: "keep_alive", options: func(p *healthProbe) { p.KeepAlive = true }, want: http.Header{}},
		{name: "basic_auth", options: func(p *healthProbe) {
			p.Client.BasicAuth = &config.BasicAuth{Username: "u", Password: "p"}
		}, want: http.Header{"Connection": {"close"}, "Authorization": {"Basic dTpw"}}},
		{name: "basic_auth from a file", options: func(p *healthProbe) {
			p.Client.BasicAuth = &config.BasicAuth{Username: "u", PasswordFile: secret}
		}, want: http.Header{"Connection": {"close"}, "Authorization": {basicAuth("u", "from file")}}},
		{name: "authorization", options: func(p *healthProbe) {
			p.Client.Authorization = &config.Authorization{Credentials: "t"}
		}, want: http.Header{"Connection": {"close"}, "Authorization": {"Bearer t"}}},
		{name: "authorization from a file", options: func(p *healthProbe) {
			p.Client.Authorization = &config.Authorization{Type: "Token", CredentialsFile: secret}
		}, want: http.Header{"Connection": {"close"}, "Authorization": {"Token from file"}}},
		{
			name: "bearer_token", options: func(p *healthProbe) { p.Client.BearerToken = "t" },
			want: http.Header{"Connection": {"close"}, "Authorization": {"Bearer t"}},
		},
		{name: "userinfo", userinfo: "u:p@", want: http.Header{"Connection": {"close"}, "Authorization": {"Basic dTpw"}}},
		{name: "hostname", hostname: "app.example", want: http.Header{"Connection": {"close"}, "Host": {"app.example"}}},
		{name: "http_headers", options: func(p *healthProbe) {
			p.Client.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"x-a": {Values: []string{"1", "2"}, Secrets: []config.Secret{"3"}, Files: []string{secret}}}}
		}, want: http.Header{"Connection": {"close"}, "X-A": {"1", "2", "3", "from file"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := healthModule(t, test.options)
			res := probeWithin(t, m, 5*time.Second, Request{Target: "http://" + test.userinfo + host, Hostname: test.hostname})
			if res.Outcome != health.Pass {
				t.Fatal(res.Error)
			}
			header := <-got
			if agent := header.Get("User-Agent"); !strings.HasPrefix(agent, "health_exporter/") {
				t.Errorf("User-Agent is %q", agent)
			}
			header.Del("User-Agent")
			test.want["Accept"] = []string{acceptHealth}
			test.want["Cache-Control"] = []string{"no-cache"}
			if test.want["Host"] == nil {
				test.want["Host"] = []string{host}
			}
			if diff := cmp.Diff(test.want, header); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	missing := healthModule(t, func(p *healthProbe) { p.Client.BasicAuth = &config.BasicAuth{PasswordFile: secret + "x"} })
	if res := probeWithin(t, missing, time.Second, Request{Target: base}); res.Reason != ReasonInternal {
		t.Errorf("missing file: got %+v", res)
	}
}

func TestHealthRedirects(t *testing.T) {
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") })
	otherHost := strings.Replace(other, "127.0.0.1", "localhost", 1)
	samePort := serve(t, func(http.ResponseWriter, *http.Request) {})
	var asked atomic.Int32
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Authorization") != "Basic dTpw" {
			t.Error("no credentials")
		}
		switch r.URL.Path {
		case "/chain/health":
			http.Redirect(w, r, "/done", http.StatusFound)
		case "/ten/health":
			n := len(r.URL.RawQuery)
			if n < 10 {
				http.Redirect(w, r, "/ten/health?"+strings.Repeat("x", n+1), http.StatusTemporaryRedirect)
			}
		case "/loop/health":
			http.Redirect(w, r, "health", http.StatusMovedPermanently)
		case "/other/health":
			http.Redirect(w, r, otherHost+"/secret", http.StatusFound)
		case "/port/health":
			http.Redirect(w, r, samePort, http.StatusPermanentRedirect)
		case "/scheme/health":
			w.Header().Set("Location", "ftp://127.0.0.1/")
			w.WriteHeader(http.StatusFound)
		case "/nowhere/health":
			w.WriteHeader(http.StatusFound)
		case "/bad/health":
			w.Header().Set("Location", "http://[::1")
			w.WriteHeader(http.StatusFound)
		}
	})
	follow := healthModule(t, func(p *healthProbe) { p.Client.BasicAuth = &config.BasicAuth{Username: "u", Password: "p"} })
	stay := healthModule(t, func(p *healthProbe) {
		p.Client.FollowRedirects = false
		p.Client.BasicAuth = &config.BasicAuth{Username: "u", Password: "p"}
	})
	tests := []struct {
		path  string
		m     *Module
		codes StatusCodes
		asked int32
		want  Result
	}{
		{path: "/chain", m: follow, asked: 2, want: Result{Outcome: health.Pass, StatusCode: 200}},
		{path: "/ten", m: follow, asked: 11, want: Result{Outcome: health.Pass, StatusCode: 200}},
		{path: "/loop", m: follow, asked: 11, want: Result{Outcome: health.Fail, Reason: ReasonRedirect, Phase: PhaseCheck, Error: "more than 10 redirects", StatusCode: 301}},
		{path: "/other", m: follow, asked: 1, want: Result{Outcome: health.Fail, Reason: ReasonRedirect, Phase: PhaseCheck, Error: "redirect to another host: localhost", StatusCode: 302}},
		{path: "/port", m: follow, asked: 1, want: Result{Outcome: health.Pass, StatusCode: 200}},
		{path: "/scheme", m: follow, asked: 1, want: Result{Outcome: health.Fail, Reason: ReasonRedirect, Phase: PhaseCheck, Error: `redirect to scheme "ftp"`, StatusCode: 302}},
		{path: "/nowhere", m: follow, asked: 1, want: Result{Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 302, want 200", StatusCode: 302}},
		{path: "/bad", m: follow, asked: 1, want: Result{Outcome: health.Fail, Reason: ReasonRedirect, Phase: PhaseCheck, Error: "redirect to an invalid URL", StatusCode: 302}},
		{path: "/chain", m: stay, asked: 1, want: Result{Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 302, want 200", StatusCode: 302}},
		{path: "/chain", m: stay, codes: StatusCodes{{300, 399}}, asked: 1, want: Result{Outcome: health.Pass, StatusCode: 302}},
	}
	for _, test := range tests {
		asked.Store(0)
		got := probeWithin(t, test.m, 5*time.Second, Request{Target: base + test.path, StatusCodes: test.codes})
		if diff := cmp.Diff(test.want, got, ignoreTimes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.path, diff)
		}
		if n := asked.Load(); n != test.asked {
			t.Errorf("%s: asked %d times, want %d", test.path, n, test.asked)
		}
	}
}

func TestHealthTLS(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(24 * time.Hour).Truncate(time.Second).UTC()
	past := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	ok := func(http.ResponseWriter, *http.Request) {}
	good := serveTLS(t, ca.issue(t, until, "127.0.0.1", "app.example"), true, ok)
	expired := serveTLS(t, ca.issue(t, past, "127.0.0.1"), false, ok)
	wrongName := serveTLS(t, ca.issue(t, until, "other.example"), false, ok)
	plain := strings.Replace(serve(t, ok), "http://", "https://", 1)
	downgrade := serveTLS(t, ca.issue(t, until, "127.0.0.1"), false, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/", http.StatusFound)
	})
	silent := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	rude := listen(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) })

	trusting := func(p *healthProbe) { p.Client.TLSConfig.CAFile = ca.file }
	tests := []struct {
		name, target, hostname string
		options                func(p *healthProbe)
		want                   Result
	}{
		{name: "trusted", target: good, options: trusting, want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "trusted by name", target: good, hostname: "app.example", options: trusting, want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "keep_alive", target: good, options: func(p *healthProbe) { trusting(p); p.KeepAlive = true }, want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "unknown authority", target: good, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate is signed by an unknown authority", CertExpiry: until}},
		{name: "insecure_skip_verify", target: good, options: func(p *healthProbe) { p.Client.TLSConfig.InsecureSkipVerify = true }, want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "expired", target: expired, options: trusting, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate has expired", CertExpiry: past}},
		{name: "wrong name", target: wrongName, options: trusting, want: Result{
			Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS,
			Error: "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs", CertExpiry: until,
		}},
		{
			name: "server_name", target: wrongName, options: func(p *healthProbe) { trusting(p); p.Client.TLSConfig.ServerName = "other.example" },
			want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until},
		},
		{name: "no TLS", target: plain, options: trusting, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "no TLS: first record does not look like a TLS handshake"}},
		{name: "hangs up", target: "https://" + rude, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "connection closed in the TLS handshake"}},
		{name: "silent", target: "https://" + silent, want: Result{Outcome: health.Fail, Reason: ReasonTimeout, Phase: PhaseTLS, Error: "no answer within 500ms"}},
		{
			name: "version", target: good, options: func(p *healthProbe) { trusting(p); p.Client.TLSConfig.MaxVersion = config.TLSVersion(tls.VersionTLS11) },
			want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "no supported versions satisfy MinVersion and MaxVersion"},
		},
		{
			name: "missing ca_file", target: good, options: func(p *healthProbe) { p.Client.TLSConfig.CAFile = "testdata/none.pem" },
			want: Result{Outcome: health.Fail, Reason: ReasonInternal, Phase: PhaseTLS, Error: "no such file or directory"},
		},
		{name: "https to http", target: downgrade, options: trusting, want: Result{Outcome: health.Fail, Reason: ReasonRedirect, Phase: PhaseCheck, StatusCode: 302, Error: "redirect from https to http", CertExpiry: until}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := healthModule(t, test.options)
			timeout := 5 * time.Second
			if test.want.Reason == ReasonTimeout {
				timeout = 500 * time.Millisecond
			}
			for range 2 {
				got := probeWithin(t, m, timeout, Request{Target: test.target, Hostname: test.hostname})
				if test.name == "version" || test.name == "missing ca_file" {
					if got.Reason != test.want.Reason || !strings.Contains(got.Error, test.want.Error) {
						t.Errorf("got %s: %s, want %s: …%s", got.Reason, got.Error, test.want.Reason, test.want.Error)
					}
					continue
				}
				if diff := cmp.Diff(test.want, got, ignoreTimes); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestTLSFilesRotate(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	target := serveTLS(t, second.issue(t, time.Now().Add(time.Hour), "127.0.0.1"), false, func(http.ResponseWriter, *http.Request) {})
	m := healthModule(t, func(p *healthProbe) { p.Client.TLSConfig.CAFile = first.file })
	if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Reason != ReasonTLS {
		t.Fatalf("got %+v, want it not to trust", res)
	}
	content, err := os.ReadFile(second.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(first.file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(first.file, time.Now(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
		t.Errorf("got %+v, want it to trust the new authority", res)
	}
}

func TestHealthKeepAlive(t *testing.T) {
	var conns atomic.Int32
	var idle atomic.Bool // the server has noticed that a connection has nothing to do
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/close/health" {
			w.Header().Set("Connection", "close")
		}
		_, _ = io.WriteString(w, strings.Repeat("x", len(r.URL.RawQuery)))
	}), ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
		idle.Store(state == http.StateIdle)
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = server.Serve(l); close(done) }()
	defer func() { server.Close(); <-done }()

	m := healthModule(t, func(p *healthProbe) { p.KeepAlive = true })
	probe := func(path string, want int32) {
		t.Helper()
		for range 5 {
			if res := probeWithin(t, m, 5*time.Second, Request{Target: "http://" + l.Addr().String() + path}); res.Outcome != health.Pass {
				t.Fatalf("%s: %+v", path, res)
			}
		}
		if n := conns.Swap(0); n != want {
			t.Errorf("%s: %d connections for 5 probes, want %d", path, n, want)
		}
	}
	probe("", 1)
	probe("?"+strings.Repeat("x", 5000), 0)
	// What the server has closed is noticed, and asked again.
	for deadline := time.Now().Add(5 * time.Second); !idle.Load() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	server.SetKeepAlivesEnabled(false)
	server.SetKeepAlivesEnabled(true)
	probe("", 1)
	probe("/close", 4)
	noKeep := healthModule(t, nil)
	m = noKeep
	probe("", 5)

	// A connection that is kept does not survive a stricter policy.
	m = healthModule(t, func(p *healthProbe) { p.KeepAlive = true })
	probe("", 1)
	res := probeWithin(t, m, 5*time.Second, Request{Target: "http://" + l.Addr().String(), Network: rules(t, "-127.0.0.0/8")})
	if res.Reason != ReasonPolicy {
		t.Errorf("got %+v, want a refusal", res)
	}
}

func TestHealthIdleConnectionsEnd(t *testing.T) {
	var idle idleConns
	a, b := net.Pipe()
	defer b.Close()
	conn := &httpConn{Conn: a}
	idle.put(connKey{host: "k"}, conn)
	conn.timer.Stop()
	idle.drop(connKey{host: "k"}, conn)
	if len(idle.conns) != 0 {
		t.Errorf("kept %v", idle.conns)
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v, want it closed", err)
	}
}

func TestHealthFailures(t *testing.T) {
	dead := testport.Reserve(t)
	answer := func(text string) string {
		return listen(t, func(conn net.Conn) {
			readRequest(conn)
			_, _ = io.WriteString(conn, text)
		})
	}
	resets := listen(t, func(conn net.Conn) {
		readRequest(conn)
		_ = conn.(*net.TCPConn).SetLinger(0)
	})
	tests := []struct {
		name, target string
		want         Result
	}{
		{"refused", dead, Result{Outcome: health.Fail, Reason: ReasonConnect, Phase: PhaseConnect, Error: "connection refused"}},
		{"no such host", "none.example", Result{Outcome: health.Fail, Reason: ReasonDNS, Phase: PhaseResolve, Error: "looking up none.example: no such host"}},
		{"closed", answer(""), Result{Outcome: health.Fail, Reason: ReasonConnect, Phase: PhaseRequest, Error: "connection closed without an answer"}},
		{"reset", resets, Result{Outcome: health.Fail, Reason: ReasonConnect, Phase: PhaseRequest, Error: "connection reset by peer"}},
		{"cut header", answer("HTTP/1.1 200 OK\r\nA: b"), Result{Outcome: health.Fail, Reason: ReasonConnect, Phase: PhaseTransfer, Error: "connection closed in the middle of the answer"}},
		{"cut body", answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"), Result{Outcome: health.Fail, Reason: ReasonConnect, Phase: PhaseTransfer, StatusCode: 200, Error: "connection closed in the middle of the answer"}},
		{"no HTTP", answer("SSH-2.0-OpenSSH_9\r\n"), Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseTransfer, Error: `no answer in HTTP: malformed HTTP response "SSH-2.0-OpenSSH_9"`}},
		{"bad header", answer("HTTP/1.1 200 OK\r\nbad\r\n\r\n"), Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseTransfer, Error: `no answer in HTTP: malformed MIME header: missing colon: "bad"`}},
		{"bad chunks", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseTransfer, StatusCode: 200, Error: "reading the body: invalid byte in chunk length"}},
		{"chunked", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), Result{Outcome: health.Pass, StatusCode: 200, Response: []byte("{}")}},
		{"chunks of one byte", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 65000)), Result{Outcome: health.Pass, StatusCode: 200}},
		{"HTTP/1.0", answer("HTTP/1.0 200 OK\r\n\r\nok"), Result{Outcome: health.Pass, StatusCode: 200}},
		{"interim answers", answer("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Result{Outcome: health.Pass, StatusCode: 200}},
		{"only interim answers", answer(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 9)), Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseTransfer, Error: "no answer in HTTP: too many interim answers"}},
		{"gzip", answer("HTTP/1.1 200 OK\r\nContent-Type: application/health+json\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"), Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseCheck, StatusCode: 200, Error: "body is not gzip, as its Content-Encoding says"}},
		{"metadata", "169.254.169.254", Result{Outcome: health.Fail, Reason: ReasonPolicy, Phase: PhaseConnect, Error: "the network policy forbids 169.254.169.254: link-local address"}},
		{"metadata as a number", "0xa9fea9fe", Result{Outcome: health.Fail, Reason: ReasonPolicy, Phase: PhaseConnect, Error: "the network policy forbids 169.254.169.254: link-local address"}},
		{"metadata by name", "metadata.example", Result{Outcome: health.Fail, Reason: ReasonPolicy, Phase: PhaseConnect, Error: "the network policy forbids 169.254.169.254: link-local address"}},
		{"metadata by NAT64", "[64:ff9b::a9fe:a9fe]", Result{Outcome: health.Fail, Reason: ReasonPolicy, Phase: PhaseConnect, Error: "the network policy forbids 64:ff9b::a9fe:a9fe: link-local address"}},
	}
	resolver := fakeDNS(t, map[string][][]string{"metadata.example": {{"169.254.169.254"}}})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := healthModule(t, nil)
			m.spec.(*healthProbe).conns.dialer.resolver = resolver
			got := probeWithin(t, m, 5*time.Second, Request{Target: test.target})
			if diff := cmp.Diff(test.want, got, ignoreTimes); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHealthByName(t *testing.T) {
	base := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	m := healthModule(t, nil)
	m.spec.(*healthProbe).conns.dialer.resolver = fakeDNS(t, map[string][][]string{
		"app.example":    {{"127.0.0.1"}},
		"rebind.example": {{"127.0.0.1"}, {"169.254.169.254"}},
		"two.example":    {{"169.254.0.1", "127.0.0.1"}},
	})
	for i, test := range []struct {
		target string
		policy *NetworkPolicy
		want   Reason
	}{
		{"app.example", nil, ReasonNone},
		{"app.example.", nil, ReasonNone},
		{"rebind.example", nil, ReasonNone},
		{"rebind.example", nil, ReasonPolicy},
		{"two.example", nil, ReasonNone},
		{"app.example", rules(t, "-127.0.0.0/8"), ReasonPolicy},
		{"app.example", rules(t, "-app.example"), ReasonPolicy},
		{"app.example", rules(t, "*.example:"+port), ReasonNone},
		{"app.example", rules(t, "*.example:1"), ReasonPolicy},
	} {
		res := probeWithin(t, m, 5*time.Second, Request{Target: "http://" + test.target + ":" + port, Network: test.policy})
		if res.Reason != test.want {
			t.Errorf("%d, %s: got %q: %s, want %q", i, test.target, res.Reason, res.Error, test.want)
		}
	}
}

// forwardProxy is a proxy that knows CONNECT and plain requests; it notes what it was asked for.
func forwardProxy(t testing.TB, to string, asked chan<- string) *url.URL {
	t.Helper()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.RequestURI + " " + r.Header.Get("X-Proxy")
		if r.Method != http.MethodConnect {
			_, _ = io.WriteString(w, "proxied")
			return
		}
		there, err := net.Dial("tcp", to)
		if err != nil {
			t.Error(err)
			return
		}
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		done := make(chan struct{})
		go func() {
			_, _ = io.Copy(there, here)
			there.Close()
			close(done)
		}()
		_, _ = io.Copy(here, there)
		here.Close()
		<-done
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestHealthProxy(t *testing.T) {
	ca := newAuthority(t)
	secure := serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "app.example"), false, func(http.ResponseWriter, *http.Request) {})
	direct := serve(t, func(http.ResponseWriter, *http.Request) {})
	asked := make(chan string, 10)
	proxy := forwardProxy(t, strings.TrimPrefix(secure, "https://"), asked)
	unknown := fakeDNS(t, nil) // only the proxy knows these names
	m := healthModule(t, func(p *healthProbe) {
		p.Client.ProxyURL = config.URL{URL: proxy}
		p.Client.NoProxy = "127.0.0.1"
		p.Client.ProxyConnectHeader = config.ProxyHeader{"X-Proxy": {"hello"}}
		p.Client.TLSConfig.CAFile = ca.file
	})
	m.spec.(*healthProbe).conns.dialer.resolver = unknown
	for _, test := range []struct {
		target, asked string
		policy        *NetworkPolicy
		want          Reason
	}{
		{target: "http://app.example", asked: "GET http://app.example/health "},
		{target: "https://app.example", asked: "CONNECT app.example:443 hello"},
		{target: direct},
		{target: direct, policy: rules(t, "-127.0.0.0/8"), want: ReasonPolicy},
		{target: "http://169.254.169.254", want: ReasonPolicy},
		{target: "http://0xa9fea9fe", want: ReasonPolicy},
		{target: "http://app.example", policy: rules(t, "10.0.0.0/8"), want: ReasonPolicy},
		{target: "http://app.example", policy: rules(t, "app.example"), asked: "GET http://app.example/health "},
		{target: "http://10.0.0.1", policy: rules(t, "10.0.0.0/8"), asked: "GET http://10.0.0.1/health "},
		{target: "http://10.0.0.1", policy: rules(t, "-10.0.0.0/8"), want: ReasonPolicy},
	} {
		res := probeWithin(t, m, 5*time.Second, Request{Target: test.target, Network: test.policy})
		if res.Reason != test.want {
			t.Errorf("%s: got %q: %s, want %q", test.target, res.Reason, res.Error, test.want)
		}
		got := ""
		select {
		case got = <-asked:
		default:
		}
		if got != test.asked {
			t.Errorf("%s: the proxy was asked %q, want %q", test.target, got, test.asked)
		}
	}
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	m := healthModule(t, nil)
	m.spec.(*healthProbe).conns.dialer.resolver = fakeDNS(t, nil)
	if res := probeWithin(t, m, time.Second, Request{Target: "http://app.example"}); res.Reason != ReasonDNS {
		t.Errorf("got %+v, want a look-up", res)
	}
}

// A probe that has passed has passed, whatever becomes of its context then.
func TestCancelledTooLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for outcome, want := range map[health.Outcome]bool{health.Pass: false, health.Warn: false, health.Fail: true} {
		m := FuncModule("f", 0, func(context.Context) Result { cancel(); return Result{Outcome: outcome} })
		if res := m.Probe(ctx, Request{}); res.Outcome != outcome || res.Cancelled != want {
			t.Errorf("%+v", res)
		}
	}
}

func TestCancelledProbeIsInconclusive(t *testing.T) {
	arrived := make(chan struct{}, 2)
	silent := listen(t, func(conn net.Conn) {
		readRequest(conn)
		arrived <- struct{}{}
		_, _ = io.Copy(io.Discard, conn)
	})
	for _, m := range []*Module{healthModule(t, nil), httpModule(t, nil)} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		go func() { <-arrived; cancel() }()
		res := m.Probe(ctx, Request{Target: silent})
		if !res.Inconclusive || res.Reason != ReasonInternal || res.Error != "the probe was cancelled" {
			t.Errorf("%s: got %+v", m.Kind(), res)
		}
	}
}

func TestClassify(t *testing.T) {
	dial := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
	}
	tests := []struct {
		err          error
		want         Reason
		text         string
		inconclusive bool
	}{
		{dial(syscall.ECONNREFUSED), ReasonConnect, "connection refused", false},
		{dial(syscall.EHOSTUNREACH), ReasonConnect, "no route to host", false},
		{dial(syscall.ETIMEDOUT), ReasonTimeout, "no answer within 5s", false},
		{dial(syscall.EMFILE), ReasonInternal, "too many open files", true},
		{dial(syscall.ENFILE), ReasonInternal, "too many open files in system", true},
		{dial(syscall.ENOBUFS), ReasonInternal, "no buffer space available", true},
		{dial(syscall.EADDRNOTAVAIL), ReasonInternal, "cannot assign requested address", true},
		{dial(syscall.ENOMEM), ReasonInternal, "cannot allocate memory", true},
		{context.DeadlineExceeded, ReasonTimeout, "no answer within 5s", false},
		{&net.DNSError{Err: "no such host", Name: "a", IsNotFound: true}, ReasonDNS, "looking up a: no such host", false},
		{&net.DNSError{Err: "i/o timeout", Name: "a", IsTimeout: true}, ReasonDNS, "looking up a: no answer within 5s", true},
		{&net.DNSError{Err: "server misbehaving", Name: "a", IsTemporary: true}, ReasonDNS, "looking up a: server misbehaving", true},
		{dial(syscall.ENETUNREACH), ReasonConnect, "network is unreachable", true},
		{&url.Error{Op: "Get", URL: "http://u:p@h", Err: io.EOF}, ReasonConnect, "connection closed without an answer", false},
		{&net.OpError{Op: "dial", Err: &PolicyError{"1.2.3.4", "no"}}, ReasonPolicy, "the network policy forbids 1.2.3.4: no", false},
		{fmt.Errorf("x: %w", tls.RecordHeaderError{Msg: "bad"}), ReasonTLS, "no TLS: bad", false},
		{errHeaderTooLarge, ReasonBody, "answer with a header larger than 65536 bytes", false},
		{gzip.ErrHeader, ReasonConnect, "gzip: invalid header", false},
	}
	for _, test := range tests {
		got := failed(t.Context(), 5*time.Second, test.err)
		if got.Reason != test.want || got.Inconclusive != test.inconclusive || got.Error != test.text {
			t.Errorf("%v: got %s, %q, inconclusive: %v; want %s, %q", test.err, got.Reason, got.Error, got.Inconclusive, test.want, test.text)
		}
	}
}

func TestHealthModuleFaults(t *testing.T) {
	for want, set := range map[string]func(p *healthProbe){
		"oauth2: oauth2 client_id must be configured": func(p *healthProbe) { p.Client.OAuth2 = &config.OAuth2{} },
		"basic_auth: at most one of basic_auth, oauth2 & authorization must be configured": func(p *healthProbe) {
			p.Client.BasicAuth, p.Client.Authorization = &config.BasicAuth{}, &config.Authorization{}
		},
		`proxy_url: scheme must be http, https, socks5 or socks5h, not "ftp"`: func(p *healthProbe) {
			p.Client.ProxyURL = config.URL{URL: &url.URL{Scheme: "ftp", Host: "h"}}
		},
		"tls_config: exactly one of key or key_file must be configured when a client certificate is configured": func(p *healthProbe) {
			p.Client.TLSConfig.CertFile = "x"
		},
		"http_headers: setting header \"Host\" is not allowed": func(p *healthProbe) {
			p.Client.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"host": {}}}
		},
		"http_headers.X: has a value with a line break or control character": func(p *healthProbe) {
			p.Client.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X": {Values: []string{"a\r\nb: c"}}}}
		},
	} {
		_, err := NewModule(ModuleSource{Kind: "health", Decode: func(into any) error { set(into.(*healthProbe)); return nil }})
		if err == nil || strings.TrimPrefix(err.Error(), "authorization: ") != want && err.Error() != want &&
			!strings.HasSuffix(err.Error(), strings.SplitN(want, ": ", 2)[1]) {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, ok := errors.AsType[*FieldError](err); !ok {
			t.Errorf("%v is not a FieldError", err)
		}
	}
}
