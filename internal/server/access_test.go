package server

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/internal/server/access"
)

// expected says for every route what it needs, apart from the routes themselves:
// whoever adds one, or changes its right, must say so here as well.
func expected() map[string]access.Right {
	list := map[string]access.Right{}
	for right, patterns := range map[access.Right][]string{
		"": {
			"/health", "/livez", "/readyz", "/startupz", "GET /-/healthy", "GET /-/ready",
			"GET /assets/{file}", "GET /favicon.svg", "GET /public/{$}", "GET /public/feed.atom",
			"GET /public/assets/{file}", "GET /public/favicon.svg",
			"GET /public/targets/{name}", "GET /public/targets/{name}/{file}",
			"GET /public/checks/{name}", "GET /public/checks/{name}/{file}",
		},
		"own rule":                       {"/environment"},
		"read, or debug with debug=true": {"/probe"},
		"read": {
			"GET /{$}", "GET /feed.atom", "GET /targets/{name}", "GET /targets/{name}/{file}", "GET /checks/{name}", "GET /checks/{name}/{file}",
			"GET /metrics", "/healthcheck", "/healthcheck/{$}", "/health-check", "/health-check/{$}", "/healthz/{name}",
			"GET /api/v1/status", "GET /api/v1/events", "GET /api/v1/sd", "GET /api/v1/targets", "GET /api/v1/targets/{app}", "GET /api/v1/targets/{app}/history",
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

// underAnyName are the routes that are answered whatever name a request was sent to.
func underAnyName() []string {
	return []string{
		"GET /metrics", "/probe", "/health", "/healthcheck", "/healthcheck/{$}", "/health-check", "/health-check/{$}", "/healthz/{name}",
		"/livez", "/readyz", "/startupz", "GET /-/healthy", "GET /-/ready", "GET /api/v1/sd",
		"GET /public/{$}", "GET /public/feed.atom", "GET /public/assets/{file}", "GET /public/favicon.svg",
		"GET /public/targets/{name}", "GET /public/targets/{name}/{file}", "GET /public/checks/{name}", "GET /public/checks/{name}/{file}",
		"GET /targets/{name}/{file}", "GET /checks/{name}/{file}",
	}
}

// TestEveryRouteIsExpected: whoever adds a route must say twice who may use it.
func TestEveryRouteIsExpected(t *testing.T) {
	routes := (&server{Deps: Deps{Exporter: Exporter{Profiling: true}, Metrics: http.NotFoundHandler()}}).routes()
	if diff := cmp.Diff(expected(), routes.rights); diff != "" {
		t.Errorf("what is expected of routes (-) differs from what they need (+):\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(underAnyName())), slices.Sorted(maps.Keys(routes.anyName))); diff != "" {
		t.Errorf("the routes that are expected under any name (-) differ from those there are (+):\n%s", diff)
	}
}

// TestUnlistedRoute is refused, even if it was put into the mux past us.
func TestUnlistedRoute(t *testing.T) {
	s := &server{Deps: Deps{Settings: func() *Settings { return &Settings{} }}, gate: access.NewGate(nil)}
	m := &routes{mux: http.NewServeMux()}
	m.mux.HandleFunc("GET /new", func(http.ResponseWriter, *http.Request) { t.Error("it was served") })
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/new", nil)
	r.Host = "localhost"
	s.guard(m, m.mux).ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("status %d", w.Code)
	}
}

// asker is somebody who sends requests, with what he may do under each setting: under a
// name of ours, and under one that a stranger may own. Without "name" he is answered
// nothing but what is for any name.
type asker struct {
	name, peer, forwarded, token string
	own, foreign                 [3]string
	refused                      int // what he is told otherwise
}

// The settings of the test, in the order of an asker's rights.
func accessSettings() [3]access.Rules {
	return [3]access.Rules{{Read: "open", Debug: "local"}, {Read: "token", Debug: "token"}, {Read: "open", Debug: "open"}}
}

func askers() []asker {
	const lan, loop, far, proxy = "192.168.1.9:1", "127.0.0.1:1", "192.0.2.7:1", "10.9.9.9:1"
	nobody, all := [3]string{"read", "", "read debug"}, [3]string{"name read", "name", "name read debug"}
	near := [3]string{"name read write", "name write", "name read write debug"}
	here := [3]string{"name read write debug", "name write", "name read write debug"}
	const no, denied = http.StatusUnauthorized, http.StatusForbidden
	return []asker{
		{"this host", loop, "", "", here, nobody, no},
		{"this host over IPv6", "[::1]:1", "", "", here, nobody, no},
		{"this host, mapped", "[::ffff:127.0.0.1]:1", "", "", here, nobody, no},
		{"the LAN", lan, "", "", near, nobody, no},
		{"the LAN, mapped", "[::ffff:192.168.1.9]:1", "", "", near, nobody, no},
		{"a link-local address", "[fe80::1%eth0]:1", "", "", near, nobody, no},
		{"afar", far, "", "", all, nobody, no},
		{"afar over IPv6", "[2001:db8::1]:1", "", "", all, nobody, no},
		{"an unknown proxy here", loop, "192.168.1.9", "", all, nobody, no},
		{"an unknown proxy here, for this host", loop, "127.0.0.1", "", all, nobody, no},
		{"an unknown proxy in the LAN", lan, "192.168.1.7", "", all, nobody, no},
		{"a proxy of ours, for the LAN", proxy, "192.168.1.9", "", near, nobody, no},
		{"a proxy of ours, for one who says he is in the LAN", proxy, "192.168.1.9, 192.0.2.7", "", all, nobody, no},
		{"a proxy of ours, for its own loopback", proxy, "127.0.0.1", "", all, nobody, no},
		{"a proxy of ours, for nobody", proxy, "unknown", "", all, nobody, no},
		{"an address that is none", "@", "", "", all, nobody, no},
		{"a wrong token from this host", loop, "", "wrong", [3]string{"name read debug", "name", "name read debug"}, nobody, no},
		{"a token to read from this host", loop, "", "read", [3]string{"name read debug", "name read", "name read debug"}, [3]string{"name read", "name read", "name read debug"}, denied},
		{"a token to read from afar", far, "", "read", [3]string{"name read", "name read", "name read debug"}, [3]string{"name read", "name read", "name read debug"}, denied},
		{"a token to write from afar", far, "", "write", [3]string{"name read write", "name write", "name read write debug"}, [3]string{"name read write", "name write", "name read write debug"}, denied},
		{"a token to administrate from afar", far, "", "admin", [3]string{"name read write", "name write", "name read write debug"}, [3]string{"name read write", "name write", "name read write debug"}, denied},
		{"a token to debug from afar", far, "", "debug", [3]string{"name read debug", "name debug", "name read debug"}, [3]string{"name read debug", "name debug", "name read debug"}, denied},
		{"a token for nothing from the LAN", lan, "", "nobody", [3]string{"name read", "name", "name read debug"}, [3]string{"name read", "name", "name read debug"}, denied},
		{"a token to write through a proxy", loop, "192.0.2.7", "write", [3]string{"name read write", "name write", "name read write debug"}, [3]string{"name read write", "name write", "name read write debug"}, denied},
		{"a user", far, "", "user", all, all, no},
		{"a user in the LAN", lan, "", "user", near, all, no},
		{"the one for the environment", lan, "", "environment", [3]string{"name read", "name", "name read debug"}, nobody, no},
	}
}

func ownNames() []string {
	return []string{"127.0.0.1:10115", "localhost", "LOCALHOST.:80", "[::1]:10115", "exporter", "nas.local", "Nas.Home.Arpa:1", "mon.example.org", "a.b.wild.example"}
}

func foreignNames() []string {
	return []string{"evil.example", "evil.example.:10115", "localhost.evil.example", "127.0.0.1.evil.example", "user@localhost", "localhost@evil.example", "", "wild.example"}
}

// TestAccess asks for every route, as everybody, from everywhere, under every name and
// setting.
func TestAccess(t *testing.T) {
	f := newFixture(t)
	reached := false
	s := &server{
		Deps: Deps{Settings: func() *Settings { return &f.settings }, Exporter: Exporter{Profiling: true}, Metrics: http.NotFoundHandler(), Log: slog.New(slog.DiscardHandler)},
		gate: access.NewGate(func() bool { return true }),
	}
	f.settings.Environment = http.NotFoundHandler()
	f.settings.SeesEnvironment = func(secret string) bool { return secret == "environment" }
	guarded := s.guard(s.routes(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	asked := 0
	for i, rules := range accessSettings() {
		rules.Networks, rules.Holder = f.settings.Access.Networks, f.settings.Access.Holder
		rules.Has = func(holder string, right access.Right) bool { return holder == string(right) }
		rules.Proxies = []netip.Prefix{netip.MustParsePrefix("10.9.9.9/32")}
		rules.Hosts, rules.URLs = []string{"*.wild.example"}, []string{"https://mon.example.org/health/"}
		f.settings.Access = rules
		for pattern, need := range expected() {
			for _, who := range askers() {
				for ours, names := range map[bool][]string{true: ownNames(), false: foreignNames()} {
					rights := who.own[i]
					if !ours {
						rights = who.foreign[i]
					}
					for _, name := range names {
						asked++
						reached = false
						w := httptest.NewRecorder()
						guarded.ServeHTTP(w, who.request(pattern, name))
						what := fmt.Sprintf("read: %s, debug: %s: %s as %s to %q", rules.Read, rules.Debug, pattern, who.name, name)
						checkAnswer(t, what, w, reached, who.answer(pattern, need, rights))
					}
				}
			}
		}
	}
	t.Logf("%d requests", asked)
	if least := 3 * len(expected()) * len(askers()) * len(slices.Concat(ownNames(), foreignNames())); asked < least {
		t.Errorf("only %d requests of %d", asked, least)
	}
}

func (a asker) request(pattern, host string) *http.Request {
	method, path := requestFor(pattern)
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr, r.Host = a.peer, host
	if a.forwarded != "" {
		r.Header.Set("X-Forwarded-For", a.forwarded)
	}
	switch a.token {
	case "":
	case "user":
		r.SetBasicAuth("me", "password")
	case "wrong", "environment":
		r.Header.Set("Authorization", "Bearer "+a.token)
	default:
		r.Header.Set("Authorization", "bearer secret-"+a.token)
	}
	return r
}

// answer is the status with which he is turned away; 0 if he is not.
func (a asker) answer(pattern string, need access.Right, rights string) int {
	has := strings.Fields(rights)
	switch {
	case pattern == "/environment" && a.token == "environment":
		return 0
	case !slices.Contains(has, "name") && !slices.Contains(underAnyName(), pattern):
		return http.StatusMisdirectedRequest
	case need == "" || need == "own rule":
		return 0
	case pattern == "/probe":
		need = "read"
	}
	if slices.Contains(has, string(need)) {
		return 0
	}
	return a.refused
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
	f.settings.Access.Read = "token"
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
	f.settings.Access.Debug = "local"
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
	f.settings.Access.Read = "token"
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
	f.settings.Access.Read = "token"
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

// TestDryRun says what would be, and changes nothing.
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
