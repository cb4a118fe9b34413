package app

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// TestPlantedPasswordsInOtherSpellings: a password with signs that are escaped somewhere comes
// out in no spelling, of whatever part of an answer, on any page.
func TestPlantedPasswordsInOtherSpellings(t *testing.T) {
	passwords := []string{`planted1&"secret`, `planted3<"sec>ret`, `Planted5%\Secret`, `plantedÄöüßsecret`, `planted12a longsecret`}
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "application/health+json")
		switch strings.Trim(r.URL.Path, "/") {
		case "coding":
			w.Header().Set("Content-Encoding", password)
			_, _ = io.WriteString(w, `{"status": "fail"}`)
		case "location":
			w.Header().Set("Location", "http://127.0.0.1:1/?x="+password)
			w.WriteHeader(http.StatusFound)
		case "status":
			if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
				fmt.Fprintf(conn, "HTTP/1.1 %s x\r\n\r\n", password)
				conn.Close()
			}
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
			text, _ := json.Marshal(map[string]any{"status": "fail", "output": "no: " + password, "version": html.EscapeString(password), "notes": []string{password, url.QueryEscape(password)}})
			_, _ = w.Write(text)
		}
	}))
	defer peer.Close()
	var text strings.Builder
	var paths []string
	fmt.Fprintln(&text, "modules:")
	for i, password := range passwords {
		quoted, _ := json.Marshal(password)
		fmt.Fprintf(&text, "  m%d: {prober: health, health: {basic_auth: {username: me, password: %s}}}\n", i, quoted)
	}
	fmt.Fprintln(&text, "targets:")
	for i := range passwords {
		for _, way := range []string{"coding", "location", "status", "report"} {
			app, at := fmt.Sprintf("%s%d", way, i), peer.URL+"/"+way
			fmt.Fprintf(&text, "  - {app: %s, module: m%d, url: '%s', interval: 1s, unhealthy: 1, healthy: 1}\n", app, i, at)
			query := fmt.Sprintf("module=m%d&target=%s", i, url.QueryEscape(at))
			paths = append(paths, "/targets/"+app, "/api/v1/targets/"+app, "/api/v1/targets/"+app+"/history", "/probe?debug=true&"+query, "/probe?"+query, "/logs?"+query)
		}
	}
	file := filepath.Join(t.TempDir(), "c.yml")
	write(t, file, text.String())
	var log logBuffer
	debug := redact.Log(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := startLogging(t, Options{ConfigFile: file, HistoryLimit: 100, ProbeLog: debug}, slog.New(debug))
	r.eventually("all are down", func() bool {
		_, page := r.get("/metrics")
		return strings.Count(page, `state="unhealthy"} 1`) >= 4*len(passwords)
	})
	masks := 0
	look := func(where, text string) {
		t.Helper()
		masks += strings.Count(text, redact.Mask)
		text = strings.ReplaceAll(text, file, "") // which has the name of this test
		if lower := strings.ToLower(text); strings.Contains(lower, "planted") || strings.Contains(lower, "longsecret") {
			at := max(0, strings.Index(lower, "planted")-100)
			t.Errorf("%s shows it: %.300s", where, text[at:])
		}
	}
	for _, path := range append(paths, "/", "/?format=json", "/metrics", "/feed.atom", "/config", "/api/v1/targets", "/api/v1/events", "/health") {
		_, body := r.get(path)
		look(path, body)
	}
	look("the log", log.String())
	if masks < len(paths) {
		t.Errorf("only %d masks: the test cannot fail", masks)
	}
}
