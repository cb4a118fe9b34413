package app

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/prober"
)

// echoServer answers, as a health report, with all that it was sent, wherever a report has
// room for it. What it says by itself has a secret in it, too.
func echoServer(t *testing.T, own string) string {
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var words []string
		for _, values := range r.Header {
			for _, value := range values {
				words = append(words, value[strings.LastIndexByte(value, ' ')+1:])
			}
		}
		user, password, _ := r.BasicAuth()
		all := strings.Join(append(words, password, user+":"+password), " ")
		report := map[string]any{
			"status": "fail", "version": all, "releaseId": "https://u:" + own + "@h/", "serviceId": all, "description": all, "output": "no: " + all, "notes": []string{all, "--token " + own},
			"checks": map[string]any{all + ":time": []any{map[string]any{"componentId": "password=" + own, "componentType": all, "observedUnit": all, "observedValue": 1.5, "status": "fail", "output": all}}},
		}
		text, _ := json.Marshal(report)
		w.Header().Set("Content-Type", "application/health+json")
		w.Header().Set("Server", all)
		if strings.HasPrefix(r.URL.Path, "/token") {
			w.Header().Set("Content-Type", "application/json")
			text = fmt.Appendf(nil, `{"access_token": %q, "token_type": "Bearer", "expires_in": 3600}`, r.URL.Query().Get("t"))
		} else {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write(text)
	}))
	t.Cleanup(peer.Close)
	return peer.URL
}

// echoingMailServer refuses each login with the password that it was given, decoded.
func echoingMailServer(t *testing.T, heard func(string)) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				c := textproto.NewConn(conn)
				_ = c.PrintfLine("220 mail.example.org")
				for {
					line, err := c.ReadLine()
					if err != nil {
						return
					}
					switch verb, rest, _ := strings.Cut(line, " "); verb {
					case "EHLO":
						_ = c.PrintfLine("250-mail.example.org\r\n250 AUTH PLAIN")
					case "AUTH":
						plain, _ := base64.StdEncoding.DecodeString(rest[strings.LastIndexByte(rest, ' ')+1:])
						heard(string(plain))
						_ = c.PrintfLine("535 5.7.8 not with %s (%s)", plain[bytes.LastIndexByte(plain, 0)+1:], rest)
					default:
						_ = c.PrintfLine("221 bye")
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// TestPlantedSecretsThatComeBack: what stands in files and is sent to a peer, which sends
// it back in every place of an answer, comes out nowhere: on no page, in no metric, mail,
// alert, log or file of ours.
func TestPlantedSecretsThatComeBack(t *testing.T) {
	g := &garden{}
	dir, storage := t.TempDir(), t.TempDir()
	inFile := func(place string) string {
		name := filepath.Join(dir, fmt.Sprintf("file%d", len(g.places)))
		write(t, name, g.plant(place)+"\n")
		return name
	}
	peer := echoServer(t, g.plant("what a peer says by itself"))
	var mu sync.Mutex
	pushed, logins := "", ""
	alertmanager := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, password, _ := r.BasicAuth()
		mu.Lock()
		pushed += string(body)
		mu.Unlock()
		if password != "" { // it refuses, and says what
			http.Error(w, "not with "+password+" and "+r.Header.Get("Authorization"), http.StatusBadRequest)
		}
	}))
	defer alertmanager.Close()
	box := newFakeMailServer(t)
	refusing := echoingMailServer(t, func(text string) { mu.Lock(); defer mu.Unlock(); logins += text })
	modules := map[string]string{
		"password":    "basic_auth: {username: me, password_file: " + inFile("password_file") + "}",
		"bearer":      "bearer_token_file: " + inFile("bearer_token_file"),
		"credentials": "authorization: {type: Any, credentials_file: " + inFile("credentials_file") + "}",
		"header":      "http_headers: {X-Plain: {files: [" + inFile("a header's file") + "], secrets: [" + g.plant("a header's secret") + "]}}",
		"token":       "oauth2: {client_id: c, client_secret_file: " + inFile("client_secret_file") + ", token_url: '" + peer + "/token?t=" + g.plant("a token of OAuth 2") + "'}",
	}
	var text strings.Builder
	fmt.Fprintln(&text, "modules:")
	for name, options := range modules {
		for _, kind := range []string{"http", "health"} {
			fmt.Fprintf(&text, "  %s_%s: {prober: %s, allow: [127.0.0.1], %s: {%s}}\n", kind, name, kind, kind, options)
		}
	}
	fmt.Fprintln(&text, "targets:")
	apps := []string{"registered"}
	for name := range modules {
		for _, kind := range []string{"http", "health"} {
			apps = append(apps, kind+"_"+name)
			fmt.Fprintf(&text, "  - {app: %s_%s, module: %[1]s_%[2]s, url: '%s', interval: 1s, unhealthy: 1, healthy: 1}\n", kind, name, peer)
		}
	}
	file := filepath.Join(dir, "c.yml")
	save := func(alerting string, more ...string) {
		for _, app := range more {
			alerting = fmt.Sprintf("  - {app: %s, module: health_password, url: '%s', interval: 1s, unhealthy: 1}\n", app, peer) + alerting
		}
		write(t, file, text.String()+alerting)
	}
	save(fmt.Sprintf("alerting: {alertmanagers: [%q, {url: %q, basic_auth: {username: me, password_file: %s}}]}\n",
		alertmanager.URL, strings.Replace(alertmanager.URL, "127.0.0.1", "localhost", 1), inFile("password of an Alertmanager")))

	var log logBuffer
	debug := redact.Log(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := startLogging(t, Options{ConfigFile: file, StoragePath: storage, HistoryLimit: 100, ProbeLog: debug}, slog.New(debug))
	if code, body := r.post("/api/v1/targets", `{"app": "registered", "module": "health_password", "url": "`+peer+`", "interval": 5, "initial_delay": 0, "unhealthy": 2}`); code != http.StatusCreated {
		t.Fatalf("%d %s", code, body)
	}
	if code, body := r.post("/api/v1/targets", `{"app": "u", "url": "http://u:`+g.plant("userinfo of a registration")+`@127.0.0.1/"}`); code != http.StatusBadRequest {
		t.Errorf("%d %s", code, body)
	}
	r.eventually("all are down", func() bool {
		_, page := r.get("/metrics")
		return strings.Count(page, `state="unhealthy"} 1`) >= len(apps)
	})
	r.eventually("an alert", func() bool { mu.Lock(); defer mu.Unlock(); return strings.Contains(pushed, `"target":"health_token"`) })
	r.eventually("the other Alertmanager's refusal", func() bool { return strings.Contains(log.String(), "not with") })

	look := func(where, text string) {
		t.Helper()
		for _, place := range g.found(text) {
			t.Errorf("%s shows the secret of: %s", where, place)
		}
	}
	paths := []string{"/", "/?format=json", "/metrics", "/config", "/feed.atom", "/health", "/healthcheck", "/api/v1/targets", "/api/v1/sd", "/api/v1/checks"}
	for _, app := range apps {
		paths = append(paths, "/targets/"+app, "/api/v1/targets/"+app, "/api/v1/targets/"+app+"/history")
		if module := app; app != "registered" {
			paths = append(paths, "/probe?debug=true&module="+module+"&target="+url.QueryEscape(peer), "/probe?module="+module+"&target="+url.QueryEscape(peer), "/logs?module="+module+"&target="+url.QueryEscape(peer))
		}
	}
	for _, path := range paths {
		code, body := r.get(path)
		if code != http.StatusOK || body == "" {
			t.Errorf("%s: %d", path, code)
		}
		look(path, body)
	}
	if _, body := r.get("/api/v1/targets/health_password"); !strings.Contains(body, "last_response") || !strings.Contains(body, "no: ") {
		t.Errorf("the answer is not kept, and the test cannot fail: %s", body)
	}
	if _, page := r.get("/metrics"); !strings.Contains(page, `version="********`) && !strings.Contains(page, `********`) {
		t.Error("no metric has what a report says, and the test cannot fail")
	}
	if _, err := r.storage.Registry.Remove(prober.SourceAPI, "registered"); err != nil {
		t.Error(err)
	}
	const email = "alerting: {email: {smarthost: %q, tls: none, from: a@example.org, to: [b@example.org], wait: 1s, interval: 0s%s}}\n"
	save(fmt.Sprintf(email, box.address, ""), "mailed")
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.eventually("a mail", func() bool { return strings.Contains(box.received(), "mailed") })
	save(fmt.Sprintf(email, refusing, ", auth: plain, auth_username: me, auth_password_file: "+inFile("auth_password_file")), "mailed", "late")
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.eventually("a login that is refused", func() bool { mu.Lock(); defer mu.Unlock(); return logins != "" })
	r.eventually("a log of that", func() bool { return strings.Contains(log.String(), "535") })
	for _, path := range []string{"/metrics", "/", "/health", "/api/v1/tombstones", "/config"} {
		_, body := r.get(path)
		look(path, body)
	}
	r.end()
	look("the log", log.String())
	look("a mail", box.received())
	look("an alert", pushed)
	files := 0
	err := filepath.WalkDir(storage, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files++
			look("the file "+filepath.Base(path), string(readAll(t, path)))
			look("a name", path)
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files: %v", files, err)
	}
	t.Logf("%d secrets, %d pages, %d bytes of alerts, %d files, %d bytes of log", len(g.places), len(paths), len(pushed), files, len(log.String()))
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
