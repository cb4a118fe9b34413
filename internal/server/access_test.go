package server

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// expected says for every route what it needs, apart from the routes themselves:
// whoever adds one, or changes its right, must say so here as well.
func expected() map[string]Right {
	list := map[string]Right{}
	for right, patterns := range map[Right][]string{
		"": {
			"/health", "/livez", "/readyz", "/startupz", "GET /-/healthy", "GET /-/ready",
			"GET /assets/{file}", "GET /favicon.svg", "GET /public/{$}", "GET /public/feed.atom",
			"GET /public/targets/{name}", "GET /public/targets/{name}/{file}",
			"GET /public/checks/{name}", "GET /public/checks/{name}/{file}",
		},
		"own rule": {"/environment"},
		"read": {
			"GET /{$}", "GET /feed.atom", "GET /targets/{name}", "GET /targets/{name}/{file}", "GET /checks/{name}", "GET /checks/{name}/{file}",
			"GET /metrics", "/probe", "/healthcheck", "/healthcheck/{$}", "/health-check", "/health-check/{$}", "/healthz/{name}",
			"GET /api/v1/sd", "GET /api/v1/targets", "GET /api/v1/targets/{app}", "GET /api/v1/targets/{app}/history",
			"GET /api/v1/maintenance", "GET /api/v1/tombstones", "GET /api/v1/checks", "/api/",
		},
		"write": {
			"GET /login", "POST /targets/{name}/{file}", "POST /checks/{name}/{file}",
			"POST /api/v1/targets", "PUT /api/v1/targets/{app}", "DELETE /api/v1/targets/{app}", "POST /api/v1/targets/{app}/pause",
			"POST /api/v1/targets/{app}/resume", "POST /api/v1/targets/{app}/probe", "POST /api/v1/targets/{app}/renew",
			"POST /api/v1/maintenance", "DELETE /api/v1/maintenance/{name}", "POST /api/v1/beat/{id}",
		},
		"debug": {
			"GET /logs", "GET /config", "POST /-/reload", "PUT /-/reload",
			"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/profile", "/debug/pprof/symbol", "/debug/pprof/trace",
		},
	} {
		for _, pattern := range patterns {
			list[pattern] = right
		}
	}
	return list
}

// TestEveryRouteIsExpected: whoever adds a route must say twice who may use it.
func TestEveryRouteIsExpected(t *testing.T) {
	routes := (&server{Deps: Deps{Profiling: true, Metrics: http.NotFoundHandler()}}).routes()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(expected())), slices.Sorted(maps.Keys(routes.rights))); diff != "" {
		t.Errorf("the expected routes (-) differ from those there are (+):\n%s", diff)
	}
}

// TestUnlistedRoute is refused, even if it was put into the mux past us.
func TestUnlistedRoute(t *testing.T) {
	s := &server{Deps: Deps{Settings: func() *Settings { return &Settings{} }}}
	m := &routes{mux: http.NewServeMux()}
	m.mux.HandleFunc("GET /new", func(http.ResponseWriter, *http.Request) { t.Error("it was served") })
	w := httptest.NewRecorder()
	s.guard(m, m.mux).ServeHTTP(w, httptest.NewRequest("GET", "/new", nil))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("status %d", w.Code)
	}
}

// The tokens of the test: secret-<name> is that of <name>, who has the right of
// that name. "nobody" has none.
func tokens() map[string]string {
	return map[string]string{"none": "", "wrong": "wrong", "read": "secret-read", "write": "secret-write", "debug": "secret-debug", "no right": "secret-nobody"}
}

// requester of the test.
type from struct{ name, address, forwarded string }

func requesters() []from {
	return []from{{"local", "127.0.0.1:1", ""}, {"remote", "192.0.2.7:1", ""}, {"proxied", "127.0.0.1:1", "192.0.2.7"}}
}

// wanted is what the guard ought to say: 0 means that it lets the request through.
func wanted(need Right, a *Access, who from, token string) int {
	refused := http.StatusUnauthorized
	if strings.HasPrefix(token, "secret-") {
		refused = http.StatusForbidden
	}
	has := func(list ...Right) bool {
		return slices.Contains(list, Right(strings.TrimPrefix(token, "secret-")))
	}
	ok := true
	switch need {
	case Read:
		ok = a.Read != "token" || has(Read)
	case Debug:
		switch {
		case a.Debug == "open":
			ok = a.Read != "token" || has(Read, Debug)
		case a.Debug == "local":
			ok = who.name == "local" || has(Debug)
		default:
			ok = has(Debug)
		}
	case Write: // an address of a trusted network suffices, unless a token is given
		ok = has(Write) || token == "" && who.name != "remote"
	}
	if ok {
		return 0
	}
	return refused
}

// TestAccess asks for every route with every token, from near and far, under every
// setting.
func TestAccess(t *testing.T) {
	f := newFixture(t)
	reached := false
	s := &server{Deps: Deps{Settings: func() *Settings { return &f.settings }, Profiling: true, Metrics: http.NotFoundHandler()}}
	guarded := s.guard(s.routes(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	asked := 0
	for _, read := range []string{"open", "token"} {
		for _, debug := range []string{"open", "local", "token"} {
			f.settings.Access = Access{Read: read, Debug: debug, Has: func(holder string, right Right) bool { return holder == string(right) }}
			for pattern, need := range expected() {
				method, path := requestFor(pattern)
				for _, who := range requesters() {
					for name, token := range tokens() {
						asked++
						r := httptest.NewRequest(method, path, nil)
						r.RemoteAddr = who.address
						if who.forwarded != "" {
							r.Header.Set("X-Forwarded-For", who.forwarded)
						}
						if token != "" {
							r.Header.Set("Authorization", "Bearer "+token)
						}
						reached = false
						w := httptest.NewRecorder()
						guarded.ServeHTTP(w, r)
						what := fmt.Sprintf("read: %s, debug: %s: %s %s from %s with token %q", read, debug, method, path, who.name, name)
						checkAnswer(t, what, w, reached, wanted(need, &f.settings.Access, who, token))
					}
				}
			}
		}
	}
	if asked < 6*len(expected())*18 {
		t.Errorf("only %d requests", asked)
	}
}

func requestFor(pattern string) (method, path string) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = "GET", pattern
	}
	return method, strings.NewReplacer("{$}", "", "{app}", "nas", "{name}", "live", "{file}", "state.svg", "{id}", "cron").Replace(path)
}

func checkAnswer(t *testing.T, what string, w *httptest.ResponseRecorder, reached bool, want int) {
	t.Helper()
	if reached != (want == 0) || want != 0 && w.Code != want {
		t.Errorf("%s: let through %v with status %d, want %d", what, reached, w.Code, want)
	}
	if challenges := w.Header().Values("WWW-Authenticate"); (want == http.StatusUnauthorized) != (len(challenges) == 2) {
		t.Errorf("%s: status %d asks with %q", what, w.Code, challenges)
	}
	if want != 0 && w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: content type %q", what, w.Header().Get("Content-Type"))
	}
}

// TestTokenAsPassword is how a browser gives it.
func TestTokenAsPassword(t *testing.T) {
	f := newFixture(t)
	f.settings.Access = Access{Read: "token"}
	basic := func(password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("whoever:"+password))
	}
	f.expect(http.StatusOK, f.do("GET", "/", "", "Authorization", basic("secret-me")))
	f.expect(http.StatusUnauthorized, f.do("GET", "/", "", "Authorization", basic("wrong")))
	w := f.do("GET", "/metrics", "")
	f.expect(http.StatusUnauthorized, w)
	if got := w.Header().Values("WWW-Authenticate"); len(got) != 2 || !strings.HasPrefix(got[0], `Basic realm="health_exporter"`) {
		t.Errorf("a browser is asked with %q", got)
	}
	got := f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", nas, "Authorization", basic("secret-me")))
	if got["owner"] != "token:me" {
		t.Errorf("registered by %v", got["owner"])
	}
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", `{"app": "b", "url": "http://10.0.0.1"}`, "Authorization", basic("user's own")))
	if got := f.expect(http.StatusOK, f.do("GET", "/api/v1/targets/b", "", "Authorization", basic("secret-me"))); got["owner"] != "anonymous" {
		t.Errorf("a user of the web configuration registers as %v", got["owner"])
	}
}

// TestDebugOutput of /probe needs more than its metrics do.
func TestDebugOutput(t *testing.T) {
	f := newFixture(t)
	f.settings.Access = Access{Debug: "local"}
	const probe = "/probe?target=http://127.0.0.1:1"
	f.from = "192.0.2.7:1"
	f.expect(http.StatusOK, f.do("GET", probe, ""))
	f.expect(http.StatusUnauthorized, f.do("GET", probe+"&debug=true", ""))
	f.from = "127.0.0.1:1"
	f.expect(http.StatusOK, f.do("GET", probe+"&debug=true", ""))
}

// TestPublicNeedsNoToken: what is public is for everybody, and so is what it looks
// like; the rest is not.
func TestPublicNeedsNoToken(t *testing.T) {
	f := newFixture(t)
	f.settings.Access = Access{Read: "token"}
	f.settings.Public = &Public{Title: "Shop", Shows: func(string, string, string) bool { return true }}
	for _, path := range []string{"/public/", "/public/feed.atom", "/assets/style.css", "/assets/page.js", "/favicon.svg"} {
		if w := f.do("GET", path, ""); w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	for _, path := range []string{"/", "/metrics", "/feed.atom", "/targets/a", "/targets/a/state.svg"} {
		f.expect(http.StatusUnauthorized, f.do("GET", path, ""))
	}
}

// TestTokensAreNotLogged, whether they are right or wrong.
func TestTokensAreNotLogged(t *testing.T) {
	f := newFixture(t)
	var log bytes.Buffer
	f.settings.Access = Access{Read: "token"}
	deps := f.deps
	deps.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f.handler = New(deps)
	for _, secret := range []string{"secret-sesame", "sesame-wrong"} {
		f.do("GET", "/api/v1/targets", "", "Authorization", "Bearer "+secret)
		f.do("POST", "/api/v1/targets", nas, "Authorization", "Bearer "+secret)
	}
	if log.Len() == 0 || strings.Contains(strings.ReplaceAll(log.String(), "token:sesame", ""), "sesame") {
		t.Errorf("the log has a token, or nothing:\n%s", log.String())
	}
}

// TestDryRun tells what would be, and changes nothing.
func TestDryRun(t *testing.T) {
	f := newFixture(t)
	f.expect(http.StatusOK, f.do("POST", "/api/v1/targets?dry_run=true", nas))
	f.expect(http.StatusNotFound, f.do("GET", "/api/v1/targets/nas", ""))
	f.expect(http.StatusBadRequest, f.do("POST", "/api/v1/targets?dry_run=true", `{"app": "nas"}`))
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", nas, "Authorization", "Bearer secret-a"))
	f.expect(http.StatusForbidden, f.do("POST", "/api/v1/targets?dry_run=true", nas, "Authorization", "Bearer secret-b"))
	f.expect(http.StatusOK, f.do("POST", "/api/v1/targets/nas/pause", "", "Authorization", "Bearer secret-a"))
	f.expect(http.StatusOK, f.do("PUT", "/api/v1/targets/nas?dry_run=true", nas, "Authorization", "Bearer secret-a"))
	if got := f.expect(http.StatusOK, f.do("GET", "/api/v1/targets/nas", "")); got["paused"] != true {
		t.Error("a dry run has resumed it")
	}
}
