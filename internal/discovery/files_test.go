package discovery

import (
	"os"
	"path/filepath"
	"testing"
)

// TestHasSeveral looks for the documents that Prometheus' code does not read.
func TestHasSeveral(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sd.yml")
	for text, want := range map[string]bool{
		"":                                    false,
		"---\n[]\n":                           false,
		"# x\n\n%YAML 1.1\n---\n[]\n...\n":    false,
		"- targets: [a]\n":                    false,
		"- targets: [a---]\n  # ---\n ---\n":  false,
		"- targets: [a]\n...\n# the end\n":    false,
		"- targets: [a]\n---\n":               true,
		"---\n---\n- targets: [a]\n":          true,
		"- targets: [a]\r\n--- # more\r\n[]":  true,
		"- targets: [a]\n--- [{targets: []}]": true,
		"- targets: [a]\n...\n- x\n":          true,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := hasSeveral(path); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if hasSeveral(filepath.Join(t.TempDir(), "missing.yml")) {
		t.Error("a file that is missing has documents")
	}
}
