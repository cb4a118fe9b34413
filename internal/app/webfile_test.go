package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

// TestWebConfigWithASecondDocument: exporter-toolkit reads the web configuration for each
// request, and only its first document. Users in another one would let everybody in.
func TestWebConfigWithASecondDocument(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yml")
	const headers = "http_server_config: {headers: {X-Frame-Options: deny}}\n"
	write(t, file, headers)
	r := start(t, Options{Web: &web.FlagConfig{WebConfigFile: &file}})
	for _, bad := range []string{
		headers + "---\nbasic_auth_users: {me: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}\n",
		"# nothing\n---\n{}\n---\nbasic_auth_users: {}\n", "{}\n...\n---\n" + headers,
	} {
		write(t, file, bad)
		for _, path := range []string{"/", "/metrics", "/api/v1/targets", "/-/healthy"} {
			if code, body := r.get(path); code != http.StatusInternalServerError || strings.Contains(body, "health_exporter_build_info") {
				t.Errorf("%q: %s is answered with %d", bad, path, code)
			}
		}
		if err := r.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "document") {
			t.Errorf("%q: a reload says %v", bad, err)
		}
		write(t, file, headers)
		later := time.Now().Add(time.Second)
		if err := os.Chtimes(file, later, later); err != nil {
			t.Fatal(err)
		}
		if code, _ := r.get("/metrics"); code != http.StatusOK {
			t.Errorf("a file that is valid again: %d", code)
		}
		if err := r.Reload(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if code, _ := r.get("/metrics"); code != http.StatusInternalServerError {
		t.Errorf("without its file: %d", code)
	}
	write(t, file, headers)
}
