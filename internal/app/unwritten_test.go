package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnwrittenIsShown to whoever looks, until it can be written.
func TestUnwrittenIsShown(t *testing.T) {
	dir := t.TempDir()
	r := start(t, Options{StoragePath: dir})
	shows := func(words ...string) {
		t.Helper()
		for _, path := range []string{"/health", "/", "/api/v1/status"} {
			code, body := r.get(path)
			if code != http.StatusOK || strings.Contains(body, "cannot be stored") != (len(words) > 0) {
				t.Errorf("%s: %d, want word of %q: %s", path, code, words, body)
			}
			for _, word := range words {
				if !strings.Contains(body, word) {
					t.Errorf("%s: no word of %s: %s", path, word, body)
				}
			}
			if path == "/health" && strings.Contains(body, `"status":"warn"`) != (len(words) > 0) {
				t.Errorf("%q: %s", words, body)
			}
		}
		if code, _ := r.get("/readyz"); code != http.StatusOK {
			t.Errorf("not ready: %d", code)
		}
	}
	history, outbox := r.App.past.store.Flush, func() error { return r.App.telling.outbox.Keep(map[string][]byte{"a": nil}) }
	if err := history(); err != nil {
		t.Fatal(err)
	}
	shows()
	// block takes a file away, and has it that no other can take its place.
	block := func(name string) (way string) {
		way = filepath.Join(dir, name+".new")
		if err := os.MkdirAll(filepath.Join(way, "in the way"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		return way
	}
	way := block("history.db")
	if history() == nil {
		t.Fatal("the history can be written, so this proves nothing")
	}
	shows("the history cannot be stored")
	block("outbox.db")
	if outbox() == nil {
		t.Fatal("the outbox can be written, so this proves nothing")
	}
	shows("the history, notifications cannot be stored")
	if err := os.RemoveAll(way); err != nil {
		t.Fatal(err)
	}
	if err := history(); err != nil {
		t.Fatal(err)
	}
	shows("notifications cannot be stored")
	if _, body := r.get("/health"); strings.Contains(body, "the history") {
		t.Errorf("the history is written again: %s", body)
	}
}

// TestMaintenanceThatCannotBeStored is refused, with the reason.
func TestMaintenanceThatCannotBeStored(t *testing.T) {
	dir := t.TempDir()
	r := start(t, Options{StoragePath: dir})
	add := func() (int, string) {
		return r.post("/api/v1/maintenance", `{"name":"m","all":true,"duration":60}`)
	}
	way := filepath.Join(dir, "maintenance.json")
	if err := os.MkdirAll(filepath.Join(way, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if code, body := add(); code != http.StatusInsufficientStorage {
		t.Errorf("%d %s", code, body)
	}
	if err := os.RemoveAll(way); err != nil {
		t.Fatal(err)
	}
	if code, body := add(); code != http.StatusCreated {
		t.Errorf("%d %s", code, body)
	}
}
