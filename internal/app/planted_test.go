package app

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// garden has secrets planted, each in another place.
type garden struct{ places []string }

// plant gives a secret for a place. It looks like no key: nobody can tell it by its form.
func (g *garden) plant(place string) string {
	g.places = append(g.places, place)
	return fmt.Sprintf("plant%03dswordfish", len(g.places)-1)
}

// found names the places of the secrets that are in a text, plain or encoded.
func (g *garden) found(text string) (places []string) {
	for i, place := range g.places {
		secret := fmt.Sprintf("plant%03dswordfish", i)
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))[:20], url.QueryEscape(secret)} {
			if strings.Contains(text, form) {
				places = append(places, place)
				break
			}
		}
	}
	return places
}

// answers are ways in which a target gives a secret away in what it answers.
var answers = []string{
	`{"status":"fail","password":"§"}`, `{"status":"fail","output":"x\r\nAuthorization: Bearer §"}`, `{"status":"fail","output":"dial https://u:§@h/"}`,
	`{"status":"fail","output":"{\"apiKey\":\"§\"}"}`, `{"status":"fail","output":"mysql: u:§@tcp(h:1)/db"}`, `{"status":"fail","output":"redis://:§@h:1/0"}`,
	`{"status":"fail","output":"host=h password=§ user=x"}`, `{"status":"fail","output":"https%3A%2F%2Fu%3A§%40h"}`, `{"status":"fail","output":"Cookie: a=§; b=§"}`,
	`{"status":"fail","output":"X-Api-Key: §"}`, `{"status":"fail","output":"aws_secret_access_key = §"}`, `{"status":"fail","output":"-----BEGIN PRIVATE KEY-----\n§\n-----END PRIVATE KEY-----"}`,
	`{"status":"fail","output":"--token §"}`, `{"status":"fail","checks":{"db":[{"status":"fail","output":"token=§"}]}}`, `{"status":"fail","env":[{"name":"API_KEY","value":"§"}]}`,
	`{"status":"fail","output":"<password>§</password>"}`, `{"status":"fail","output":"AUTH PLAIN §"}`, `{"status":"fail","notes":["GET /x?access_token=§ failed"]}`,
	`{"status":"fail","output":"map[Authorization:[Bearer §]]"}`, `{"status":"fail","output":"&{User:x Password:§}"}`,
}

// planted writes a configuration with a secret in every place that can hold one.
func (g *garden) config(target string) string {
	p := g.plant
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	add("modules:")
	for _, kind := range []string{"http", "health"} {
		add("  %s_basic: {prober: %[1]s, %[1]s: {basic_auth: {username: me, password: %q}}}", kind, p(kind+" basic_auth"))
		add("  %s_bearer: {prober: %[1]s, %[1]s: {authorization: {type: Bearer, credentials: %q}}}", kind, p(kind+" authorization"))
	}
	var headers []string
	for _, name := range []string{"X-Api-Key", "X-Auth-Token", "Cookie", "Authorization", "X-Tenant", "X-Shared-Key", "Api-Token", "X-Vault-Token", "X-Signature", "Private-Token", "X-Whatever"} {
		headers = append(headers, fmt.Sprintf("%s: %q", name, p("header "+name)))
	}
	add("  http_headers: {prober: http, http: {headers: {%s}}}", strings.Join(headers, ", "))
	add("  http_more: {prober: http, http: {http_headers: {X-More: {values: [%q], secrets: [%q]}}}}", p("http_headers values"), p("http_headers secrets"))
	add("  http_oauth: {prober: http, http: {oauth2: {client_id: a, client_secret: %q, token_url: 'https://a.example/t?k=%s', scopes: [x], endpoint_params: {assertion_token: %q}}}}", p("oauth2"), p("token_url"), p("endpoint_params"))
	add("  http_proxy: {prober: http, http: {proxy_url: 'http://me:%s@a.example:1', proxy_connect_header: {Proxy-Authorization: [%q]}}}", p("proxy_url"), p("proxy_connect_header"))
	for name, body := range map[string]string{"json": `{"user":"me","secret":"§"}`, "nested": `{"a":{"b":["§"]}}`, "form": "grant=x&v=§", "plain": "§", "xml": "<v>§</v>"} {
		add("  body_%s: {prober: http, http: {method: POST, body: %q}}", name, strings.ReplaceAll(body, "§", p("body "+name)))
	}
	var steps []string
	for _, line := range []string{"EHLO x", "AUTH PLAIN §", "AUTH LOGIN", "§b64", "§", "PASS §", "a1 LOGIN me §", "PRIVMSG NickServ :IDENTIFY §", "GET /?token=§ HTTP/1.0\r\nX-Key: §", `{"op":"auth","d":"§"}`} {
		secret := p("dialogue " + line)
		line = strings.ReplaceAll(line, "§b64", base64.StdEncoding.EncodeToString([]byte(secret)))
		steps = append(steps, fmt.Sprintf("{send: %q}", strings.ReplaceAll(line, "§", secret)))
	}
	add("  talk: {prober: tcp, tcp: {query_response: [%s]}}", strings.Join(append(steps, "{expect: ^welcome}"), ", "))
	add("  socket: {prober: websocket, websocket: {headers: {X-Key: {values: [%q]}}, http_config: {bearer_token: %q}, query_response: [{send: %q}]}}",
		p("websocket header"), p("websocket bearer"), `{"type":"login","pw":"`+p("websocket message")+`"}`)
	add("targets:")
	for i, answer := range answers {
		add("  - {app: answer%d, url: '%s/%d', unhealthy: 1, healthy: 1, interval: 1s}", i, target, i)
		_ = answer
	}
	for i, module := range []string{"http_basic", "http_bearer", "http_headers", "http_more", "body_json", "body_form", "body_plain"} {
		add("  - {app: echo%d, url: '%s/echo?api_key=%s', module: %s, unhealthy: 1, healthy: 1, interval: 1s}", i, target, p("query of a target "+module), module)
	}
	add("  - {app: talks, address: '%s', module: talk, unhealthy: 1, healthy: 1, interval: 1s}", strings.TrimPrefix(target, "http://"))
	add("discovery:\n  jobs:\n    - {name: lan, http_sd_configs: [{url: 'http://127.0.0.1:1/x?token=%s', basic_auth: {username: a, password: %q}}]}", p("http_sd url"), p("http_sd password"))
	add("checks:")
	for i, command := range []string{`[sh, -c, "echo password=§; exit 2"]`, `[sh, -c, "exit 2", --token, "§"]`, `[sh, -c, "exit 2", "--api-key=§"]`, `[sh, -c, "exit 2", -u, "me:§"]`, `[sh, -c, "exit 2", -p, "§"]`, `[sh, -c, "exit 2", "https://u:§@h/?x=§"]`} {
		add("  - {name: exec%d, kind: exec, interval: 1s, unhealthy: 1, command: %s, env: [\"ANY=%s\", \"API_TOKEN=%s\"]}", i, strings.ReplaceAll(command, "§", p("argument "+command)), p("env of a program"), p("secret env of a program"))
	}
	return b.String()
}

// TestPlantedSecrets: no secret that stands in the configuration, or that a target answers,
// comes out anywhere: pages, API, metrics, logs of all levels, mails, errors of a reload.
func TestPlantedSecrets(t *testing.T) {
	g := &garden{}
	secrets := make([]string, len(answers))
	for i, answer := range answers {
		secrets[i] = g.plant("answer " + answer)
	}
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var i int
		w.Header().Set("Content-Type", "application/json")
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &i); err == nil && i < len(answers) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, strings.ReplaceAll(answers[i], "§", secrets[i]))
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusInternalServerError) // what it was sent, for all to see
		fmt.Fprintf(w, `{"status":"fail","output":%q}`, fmt.Sprintf("%s %s %v %s", r.Method, r.URL, r.Header, body))
	}))
	defer peer.Close()
	box := newFakeMailServer(t)
	file := filepath.Join(t.TempDir(), "c.yml")
	text := g.config(peer.URL)
	mail := fmt.Sprintf("alerting: {email: {smarthost: %q, tls: none, from: a@example.org, to: [b@example.org], wait: 1s, interval: 0s}, heartbeat: {url: '%s/ping/%s'}}\n", box.address, peer.URL, g.plant("heartbeat"))
	write(t, file, text+mail)
	t.Setenv("SOME_API_TOKEN", g.plant("environment"))
	args := os.Args
	os.Args = append(os.Args[:1:1], "--gmail_token", g.plant("argument --gmail_token"), "-gt", g.plant("argument -gt"), "--web.password="+g.plant("argument with ="))
	defer func() { os.Args = args }()
	if len(g.places) < 80 {
		t.Fatalf("only %d secrets are planted", len(g.places))
	}

	var log logBuffer
	debug := redact.Log(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := startLogging(t, Options{ConfigFile: file, Profiling: true, HistoryLimit: 100, ProbeLog: debug}, slog.New(debug))
	r.eventually("all are down", func() bool {
		_, page := r.get("/metrics")
		return strings.Count(page, `state="unhealthy"} 1`) >= len(answers)+8+6
	})
	r.eventually("a mail", func() bool { return strings.Contains(box.received(), "answer0") })
	look := func(where, text string) {
		t.Helper()
		for _, place := range g.found(text) {
			t.Errorf("%s shows the secret of: %s", where, place)
		}
	}
	paths := []string{
		"/", "/?format=json", "/config", "/metrics", "/feed.atom", "/health", "/healthcheck", "/api/v1/targets", "/api/v1/sd", "/api/v1/checks", "/api/v1/maintenance", "/api/v1/tombstones",
		"/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2", "/environment", "/readyz?verbose",
	}
	for i := range answers {
		paths = append(paths, fmt.Sprintf("/targets/answer%d", i), fmt.Sprintf("/api/v1/targets/answer%d/history", i))
	}
	for i := range 7 {
		paths = append(paths, fmt.Sprintf("/targets/echo%d", i), fmt.Sprintf("/api/v1/targets/echo%d/history", i))
	}
	for i := range 6 {
		paths = append(paths, fmt.Sprintf("/checks/exec%d", i))
	}
	paths = append(paths, "/targets/talks", "/api/v1/targets/talks/history", "/api/v1/targets/talks")
	for _, module := range []string{"http_basic", "http_bearer", "http_headers", "http_more", "body_json", "body_form", "body_plain", "body_xml", "talk", "socket", "health_basic"} {
		target := peer.URL + "/echo"
		if module == "talk" {
			target = strings.TrimPrefix(peer.URL, "http://")
		}
		paths = append(paths, "/probe?debug=true&module="+module+"&target="+url.QueryEscape(target), "/logs?target="+url.QueryEscape(target)+"&module="+module)
	}
	for _, path := range paths {
		code, body := r.get(path)
		if path == "/api/v1/targets" || strings.HasSuffix(path, "/sd") {
			body = r.asStranger(path) // the own host sees the whole URLs of targets
		}
		if code == 0 || len(body) == 0 {
			t.Errorf("%s: %d %q", path, code, body)
		}
		look(path, body)
	}
	for i := range answers { // the own host sees the query of a target, and nobody any answer's secret
		_, body := r.get(fmt.Sprintf("/api/v1/targets/answer%d", i))
		look("the API", body)
	}
	for _, fault := range []string{
		"\nalerting: {alertmanagers: ['http://u:%s@:bad/']}", "\nalerting: {external_url: 'ftp://u:%s@h/'}", "\nregistration: {tokens: [{name: a, token: %s}]}",
		"\nalerting: {heartbeat: {url: 'ftp://h/?token=%s'}}", "\ntargets: [{app: a, url: 'http://u:%s@h/'}]", "\nmodules: {m: {prober: http, http: {proxy_url: 'http://u:%s@h:bad/'}}}",
		"\nmodules: {m: {prober: http, http: {basic_auth: {passwrd: %s}}}}", "\nnetwork: {allow: ['http://u:%s@h/']}", "\nnetwork: {allow: ['u:%s@h']}", "\nnetwork: {deny: ['[u:%s@h]:80']}", "\nmodules: {m: {prober: tcp, allow: ['u:%s@h']}}", "\ntargets: [{app: a, url: 'http:///u:%s@10.1.1.1/'}]",
		"\nalerting: {email: {smarthost: 'u:%s@h', from: a@example.org, to: [b@example.org]}}", "\npublic: {password: %s}",
	} {
		write(t, file, fmt.Sprintf(fault, g.plant("reload"+fault)))
		err := r.Reload(t.Context())
		if err == nil {
			t.Errorf("%s is no fault", fault)
			continue
		}
		_, answer := r.post("/-/reload", "")
		look("a reload"+fault, answer)
	}
	look("the log", log.String())
	look("a mail", box.received())
	_ = filepath.WalkDir(filepath.Dir(file), func(path string, _ os.DirEntry, _ error) error { look("a name", path); return nil })
	t.Logf("%d secrets, %d pages, %d bytes of log", len(g.places), len(paths), len(log.String()))
}

// asStranger asks through a proxy that nobody trusts.
func (r *running) asStranger(path string) string {
	req, err := http.NewRequest(http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", "203.0.113.9")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

// logBuffer may be written from everywhere.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
