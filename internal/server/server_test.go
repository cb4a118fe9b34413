package server

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/internal/server/access"
	"github.com/health-exporter/health_exporter/prober"
)

func TestLifeOfATarget(t *testing.T) {
	f := newFixture(t)
	w := f.do("POST", "/api/v1/targets", nas)
	got := f.expect(http.StatusCreated, w)
	if w.Header().Get("Location") != "/api/v1/targets/nas" || got["warnings"] != nil {
		t.Errorf("location %q, body %v", w.Header().Get("Location"), got)
	}
	for field, want := range map[string]any{
		"app": "nas", "health_url": "http://10.0.0.9:8080/base/health", "state": "UNKNOWN", "up": nil, "paused": false,
		"source": "api", "interval": 30.0, "timeout": 5.0, "unhealthy": 2.0, "healthy": 10.0, "module": "health",
		"last_check": nil, "consecutive_failures": 0.0, "owner": "anonymous",
	} {
		if got[field] != want {
			t.Errorf("%s is %v, want %v", field, got[field], want)
		}
	}
	f.expect(http.StatusOK, f.do("POST", "/api/v1/targets", nas))
	f.expect(http.StatusOK, f.do("PUT", "/api/v1/targets/nas", `{"url": "http://10.0.0.9", "interval": 60}`))
	if got := f.expect(http.StatusOK, f.do("GET", "/api/v1/targets/nas", "")); got["interval"] != 60.0 || got["email"] != "" {
		t.Errorf("after PUT: %v", got)
	}
	f.expect(http.StatusOK, f.do("POST", "/api/v1/targets/nas/pause", ""))
	if got := f.expect(http.StatusOK, f.do("POST", "/api/v1/targets/nas/pause", "")); got["paused"] != true {
		t.Errorf("after pause: %v", got)
	}
	f.expect(http.StatusConflict, f.do("POST", "/api/v1/targets/nas/probe", ""))
	if got := f.expect(http.StatusOK, f.do("POST", "/api/v1/targets/nas/resume", "")); got["paused"] != false {
		t.Errorf("after resume: %v", got)
	}
	f.expect(http.StatusNoContent, f.do("DELETE", "/api/v1/targets/nas", ""))
	for _, path := range []string{"", "/history"} {
		f.expect(http.StatusNotFound, f.do("GET", "/api/v1/targets/nas"+path, ""))
	}
	for _, path := range []string{"/pause", "/resume", "/probe"} {
		f.expect(http.StatusNotFound, f.do("POST", "/api/v1/targets/nas"+path, ""))
	}
	f.expect(http.StatusNotFound, f.do("DELETE", "/api/v1/targets/nas", ""))
	if len(f.scheduler.Snapshot()) != 0 {
		t.Error("the schedule still has the target")
	}
}

func TestReRegistrationResumes(t *testing.T) {
	f := newFixture(t)
	f.do("POST", "/api/v1/targets", nas)
	f.do("POST", "/api/v1/targets/nas/pause", "")
	if got := f.expect(http.StatusOK, f.do("POST", "/api/v1/targets", nas)); got["paused"] != false {
		t.Errorf("paused: %v", got["paused"])
	}
}

func TestAllFaultsInOneAnswer(t *testing.T) {
	f := newFixture(t)
	w := f.do("POST", "/api/v1/targets", `{"app": "a/b", "url": "ftp://x", "email": "a@x, b@y", "timeout": 5.5,
		"interval": "5", "unhealthy": 1, "healthy": 11, "labels": {"target": "x"}, "module": "m", "wat": 1,
		"valid_status_codes": [1000, 200, "6xx"], "app": "twice"}`)
	got := f.expect(http.StatusBadRequest, w)
	fields := map[string]bool{}
	for _, each := range got["errors"].([]any) {
		fields[each.(map[string]any)["field"].(string)] = true
	}
	want := map[string]bool{
		"app": true, "email": true, "timeout": true, "interval": true, "unhealthy": true, "healthy": true,
		"labels.target": true, "module": true, "wat": true, "valid_status_codes[0]": true, "valid_status_codes[2]": true,
	}
	delete(fields, "url") // judged by the kind of a module that is unknown
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s\n%s", diff, w.Body)
	}
	if len(f.registry.Targets()) != 0 {
		t.Error("something was registered")
	}
}

// TestNameInThePath is held to the same rules as one in the body.
func TestNameInThePath(t *testing.T) {
	f := newFixture(t)
	f.expect(http.StatusCreated, f.do("PUT", "/api/v1/targets/nas", `{"url": "http://10.0.0.1"}`))
	f.expect(http.StatusOK, f.do("PUT", "/api/v1/targets/nas", `{"app": "", "url": "http://10.0.0.1"}`))
	for _, name := range []string{"a/b", "../..", "..", ".", "a\nb", " a", "a ", "\xff", strings.Repeat("x", 500)} {
		for _, body := range []string{`{"url": "http://10.0.0.1"}`, `{"app": null, "url": "http://10.0.0.1"}`, `{"app": "", "url": "http://10.0.0.1"}`} {
			r := httptest.NewRequest(http.MethodPut, "/api/v1/targets/x", strings.NewReader(body))
			r.URL.Path, r.URL.RawPath = "/api/v1/targets/"+name, "/api/v1/targets/"+strings.ReplaceAll(url.PathEscape(name), ".", "%2E")
			r.RemoteAddr, r.Host = f.from, f.host
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			f.handler.ServeHTTP(w, r)
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"field":"app"`) {
				t.Errorf("%.20q with %s: %d %s", name, body, w.Code, w.Body)
			}
		}
	}
	got := f.expect(http.StatusBadRequest, f.do("PUT", "/api/v1/targets/nas", `{"url": "http://10.0.0.1", "depends_on": ["router", "nas"]}`))
	if !strings.Contains(toText(got), `"field":"depends_on[1]"`) {
		t.Errorf("a target depends on itself: %v", got)
	}
	got = f.expect(http.StatusBadRequest, f.do("PUT", "/api/v1/targets/nas", `{"app": 3, "url": "http://10.0.0.1", "interval": 1}`))
	if !strings.Contains(toText(got), `"field":"app"`) || !strings.Contains(toText(got), `"field":"interval"`) {
		t.Errorf("a name that is not a text: %v", got)
	}
	if len(f.registry.Targets()) != 1 {
		t.Errorf("%d targets", len(f.registry.Targets()))
	}
}

func TestNamesNeedNoCare(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"Sample HealthChecker.Server App", "späti ☕", "a?b#c%d", "100%", `quo"te\back`, "..."} {
		body, _ := json.Marshal(map[string]string{"app": name, "url": "http://10.0.0.1"})
		w := f.do("POST", "/api/v1/targets", string(body))
		f.expect(http.StatusCreated, w)
		if got := f.expect(http.StatusOK, f.do("GET", w.Header().Get("Location"), "")); got["app"] != name {
			t.Errorf("%q came back as %q", name, got["app"])
		}
		f.expect(http.StatusNoContent, f.do("DELETE", w.Header().Get("Location"), ""))
	}
}

func TestLoopbackMeansTheExporterItself(t *testing.T) {
	f := newFixture(t)
	f.from = "192.168.1.2:1"
	for _, url := range []string{"http://localhost:80", "http://127.0.0.1", "http://[::1]/", "http://x.localhost"} {
		got := f.expect(http.StatusBadRequest, f.do("POST", "/api/v1/targets", `{"app": "a", "url": "`+url+`"}`))
		if !strings.Contains(toText(got), "own host") {
			t.Errorf("%s: %v", url, got)
		}
	}
	for _, address := range []string{"localhost:22", "127.0.0.1:22", "[::1]:22", "x.localhost:22"} {
		got := f.expect(http.StatusBadRequest, f.do("POST", "/api/v1/targets", `{"app": "a", "module": "tcp_connect", "address": "`+address+`"}`))
		if !strings.Contains(toText(got), "own host") || !strings.Contains(toText(got), `"field":"address"`) {
			t.Errorf("%s: %v", address, got)
		}
	}
	for _, host := range []string{
		"localhost.", "LOCALHOST", "127.1", "0x7f000001", "2130706433", "0177.1", "127.0.0.1.", "１２７.0.0.1", "ｌocalhost", "[::ffff:127.0.0.1]", "[::127.0.0.1]",
		"[64:ff9b::127.0.0.1]", "[64:ff9b:1:7f00:0:100::]", "[2002:7f00:1::]", "127.9.9.9", "%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1",
	} {
		got := f.expect(http.StatusBadRequest, f.do("POST", "/api/v1/targets", `{"app": "a", "url": "http://`+host+`:80"}`))
		if !strings.Contains(toText(got), "own host") {
			t.Errorf("%s: %v", host, got)
		}
		if strings.Contains(host, "%") {
			continue // no address has escapes
		}
		got = f.expect(http.StatusBadRequest, f.do("POST", "/api/v1/targets", `{"app": "a", "module": "tcp_connect", "address": "`+host+`:80"}`))
		if !strings.Contains(toText(got), `"field":"address"`) {
			t.Errorf("address %s: %v", host, got)
		}
	}
	socket, err := prober.NewModule(prober.ModuleSource{Kind: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	f.settings.Modules["socket"] = socket
	const docker = `{"app": "docker", "module": "socket", "address": "/run/docker.sock"}`
	f.expect(http.StatusBadRequest, f.do("POST", "/api/v1/targets", docker))
	rule, _, err := prober.ParseNetworkRule("127.0.0.1:9100")
	if err != nil {
		t.Fatal(err)
	}
	f.settings.Network = &prober.NetworkPolicy{Loopback: []prober.NetworkRule{rule}}
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", `{"app": "node", "url": "http://127.0.0.1:9100"}`))
	f.expect(http.StatusBadRequest, f.do("POST", "/api/v1/targets", `{"app": "a", "url": "http://127.0.0.1:9101"}`))
	f.expect(http.StatusBadRequest, f.do("POST", "/api/v1/targets", docker))
	f.from = "127.0.0.1:1"
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", `{"app": "a", "url": "http://localhost:80"}`))
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", docker))
}

func TestProbeNowAndHistory(t *testing.T) {
	f := newFixture(t)
	answering := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/health+json")
		io.WriteString(w, `{"status":"warn","output":"getting warm"}`)
	}))
	defer answering.Close()
	f.do("POST", "/api/v1/targets", `{"app": "a", "url": "`+answering.URL+`"}`)
	w := f.do("POST", "/api/v1/targets/a/probe", "")
	for w.Code == http.StatusServiceUnavailable { // the schedule is only just starting
		w = f.do("POST", "/api/v1/targets/a/probe", "")
	}
	got := f.expect(http.StatusOK, w)
	if got["result"] != "warn" || got["state"] != "DEGRADED" || got["status_code"] != 200.0 {
		t.Errorf("probe: %v", got)
	}
	f.do("POST", "/api/v1/targets/a/probe", "")
	got = f.expect(http.StatusOK, f.do("GET", "/api/v1/targets/a/history?limit=1", ""))
	if len(got["entries"].([]any)) != 1 || len(got["transitions"].([]any)) != 1 {
		t.Errorf("history: %v", got)
	}
	for _, limit := range []string{"0", "101", "x", "-1"} {
		f.expect(http.StatusBadRequest, f.do("GET", "/api/v1/targets/a/history?limit="+limit, ""))
	}
}

func TestServiceDiscovery(t *testing.T) {
	f := newFixture(t)
	if body := f.do("GET", "/api/v1/sd", "").Body.String(); strings.TrimSpace(body) != "[]" {
		t.Errorf("empty: %s", body)
	}
	f.do("POST", "/api/v1/targets", `{"app": "a", "url": "http://10.0.0.1:80", "labels": {"room": "attic"}}`)
	var groups []struct {
		Targets []string
		Labels  map[string]string
	}
	if err := json.Unmarshal(f.do("GET", "/api/v1/sd", "").Body.Bytes(), &groups); err != nil {
		t.Fatal(err)
	}
	if len(groups) != 1 || groups[0].Targets[0] != "http://10.0.0.1:80" ||
		groups[0].Labels["__meta_health_exporter_app"] != "a" || groups[0].Labels["__meta_health_exporter_label_room"] != "attic" {
		t.Errorf("%+v", groups)
	}
}

func TestCrossSiteRequestsAreRefused(t *testing.T) {
	f := newFixture(t)
	f.do("POST", "/api/v1/targets", nas)
	if w := f.do("DELETE", "/api/v1/targets/nas", "", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("status %d", w.Code)
	}
}

func TestWrongMethods(t *testing.T) {
	f := newFixture(t)
	for path, allowed := range map[string]string{
		"/api/v1/targets": "GET, HEAD, POST", "/api/v1/targets/x": "GET, HEAD, PUT, DELETE", "/api/v1/targets/x/pause": "POST",
	} {
		w := f.do("PATCH", path, "")
		f.expect(http.StatusMethodNotAllowed, w)
		if w.Header().Get("Allow") != allowed {
			t.Errorf("%s allows %q, want %q", path, w.Header().Get("Allow"), allowed)
		}
	}
	f.expect(http.StatusNotFound, f.do("GET", "/api/v2/x", ""))
}

func TestAdministration(t *testing.T) {
	f := newFixture(t)
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/-/healthy", "Healthy", 200},
		{"GET", "/-/ready", "Ready", 200},
		{"POST", "/-/reload", "", 200},
		{"GET", "/-/reload", "Method Not Allowed", 405},
		{"GET", "/nowhere", "404 page not found", 404},
	} {
		w := f.do(test.method, test.path, "")
		if w.Code != test.status || strings.TrimSpace(w.Body.String()) != test.body {
			t.Errorf("%s %s: %d %q, want %d %q", test.method, test.path, w.Code, w.Body, test.status, test.body)
		}
	}
	f.ready, f.reload = errors.New("shutting down"), errors.New("line 3: wat: unknown key")
	if w := f.do("GET", "/-/ready", ""); w.Code != 503 {
		t.Errorf("ready: %d", w.Code)
	}
	if w := f.do("POST", "/-/reload", ""); w.Code != 500 || !strings.Contains(w.Body.String(), "line 3") {
		t.Errorf("reload: %d %s", w.Code, w.Body)
	}
	if w := f.do("GET", "/health", ""); w.Code != 503 || w.Header().Get("Content-Type") != "application/health+json" {
		t.Errorf("health: %d %s", w.Code, w.Body)
	}
}

// TestUserinfoIsRefused wherever it stands: places are shown.
func TestUserinfoIsRefused(t *testing.T) {
	f := newFixture(t)
	for _, place := range []string{
		`"url": "http://u:pw@10.0.0.1"`, `"url": "u:pw@10.0.0.1"`, `"module": "http_2xx", "url": "https://u@10.0.0.1/"`,
		`"module": "http_2xx", "address": "http://u:pw@10.0.0.1/"`, `"module": "ws", "url": "ws://u:pw@10.0.0.1/x"`,
		`"module": "ws", "address": "wss://u:pw@10.0.0.1?x"`, `"module": "tcp_connect", "address": "u:pw@10.0.0.1:5432"`,
		`"module": "tcp_connect", "url": "tcp://u:pw@10.0.0.1:5432#x"`, `"module": "ws", "url": "ws://:@10.0.0.1"`,
	} {
		w := f.do("POST", "/api/v1/targets", `{"app": "a", `+place+`}`)
		f.expect(http.StatusBadRequest, w)
		if !strings.Contains(w.Body.String(), "user name or password") || strings.Contains(w.Body.String(), "pw") {
			t.Errorf("%s: %s", place, w.Body)
		}
	}
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", `{"app": "a", "module": "ws", "url": "ws://10.0.0.1/a?b=@c"}`))
	got := f.expect(http.StatusBadRequest, f.do("POST", "/api/v1/targets", `{"app": "c", "module": "tcp_connect", "address": "@abstract"}`))
	if strings.Contains(toText(got), "user name") || !strings.Contains(toText(got), "must be host:port") {
		t.Errorf("%v", got)
	}
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", `{"app": "b", "module": "ws", "url": "ws://10.0.0.1/a@b?c=d@e"}`))
}

// TestQueriesAreNotShown to others than who registered the target, this host, and who may
// debug.
func TestQueriesAreNotShown(t *testing.T) {
	f := newFixture(t)
	f.settings.Access.Has = func(holder string, right access.Right) bool {
		return holder == "admin" || right == access.Read || right == access.Write
	}
	const secret = "sesame"
	f.from = "192.168.1.2:1"
	mine := []string{"Authorization", "Bearer secret-mine"}
	body := `{"app": "a", "module": "http_2xx", "url": "http://10.0.0.1/x?token=` + secret + `"}`
	sees := func(what string, want bool, w *httptest.ResponseRecorder) {
		t.Helper()
		if w.Code >= 300 || strings.Contains(w.Body.String(), secret) != want || !strings.Contains(w.Body.String(), "http://10.0.0.1/x") {
			t.Errorf("%s: shown %v, want %v: %d %s", what, !want, want, w.Code, w.Body)
		}
		if got := strings.Contains(w.Body.String(), `"place_cut":true`); got == want && !strings.Contains(what, "sd") {
			t.Errorf("%s: said to be cut: %v", what, got)
		}
	}
	sees("a dry run", true, f.do("POST", "/api/v1/targets?dry_run=true", body, mine...))
	sees("registering", true, f.do("POST", "/api/v1/targets", body, mine...))
	for _, path := range []string{"/api/v1/targets", "/api/v1/targets/a", "/api/v1/sd"} {
		f.from = "192.168.1.2:1"
		sees(path+" by anybody", false, f.do("GET", path, ""))
		sees(path+" by its owner", true, f.do("GET", path, "", mine...))
		sees(path+" by another", false, f.do("GET", path, "", "Authorization", "Bearer secret-other"))
		sees(path+" by the admin", true, f.do("GET", path, "", "Authorization", "Bearer secret-admin"))
		f.from = "127.0.0.1:1"
		sees(path+" from here", true, f.do("GET", path, ""))
		sees(path+" through a proxy", false, f.do("GET", path, "", "X-Forwarded-For", "192.0.2.1"))
		f.settings.Access.Debug = "token"
		sees(path+" from here without a token", false, f.do("GET", path, ""))
		f.settings.Access.Debug = ""
	}
	f.from = "192.168.1.2:1"
	sees("pause", true, f.do("POST", "/api/v1/targets/a/pause", "", mine...))
	f.expect(http.StatusForbidden, f.do("POST", "/api/v1/targets/a/pause", ""))
}
