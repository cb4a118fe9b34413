package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamageIsShown to whoever looks, until a start without it.
func TestDamageIsShown(t *testing.T) {
	dir := t.TempDir()
	first := start(t, Options{StoragePath: dir})
	first.end()
	for name, want := range map[string]string{
		"registry.db": "registry.db was damaged at the start", "history.db": "history.db was damaged at the start",
		"outbox.db": "changes not yet notified are lost", "maintenance.json": "maintenance added over the API is lost",
	} {
		backups, err := filepath.Glob(filepath.Join(dir, "registry.db.backup-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, backup := range backups {
			if err := os.Remove(backup); err != nil {
				t.Fatal(err)
			}
		}
		write(t, filepath.Join(dir, name), "this is none of our files")
		r := start(t, Options{StoragePath: dir})
		for _, path := range []string{"/health", "/", "/api/v1/status"} {
			code, body := r.get(path)
			if code != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%s: %s: %d, and no word of it: %s", name, path, code, body)
			}
			if path == "/health" && !strings.Contains(body, `"status":"warn"`) {
				t.Errorf("%s: %s", name, body)
			}
		}
		if code, _ := r.get("/readyz"); code != http.StatusOK {
			t.Errorf("%s: not ready: %d", name, code)
		}
		r.end()
		again := start(t, Options{StoragePath: dir})
		if _, body := again.get("/health"); strings.Contains(body, "damaged") {
			t.Errorf("%s: after a start without damage: %s", name, body)
		}
		again.end()
	}
}
