package prober

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

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
