package docs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeIsShort: a newcomer reads it to its end, and finds every other page from it.
func TestReadmeIsShort(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(readme, []byte("\n")); lines > 250 {
		t.Errorf("the README has %d lines, want at most 250: move what is not for newcomers to a page of its own", lines)
	}
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) < 12 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	for _, page := range pages {
		if !strings.Contains(string(readme), "(docs/"+page) {
			t.Errorf("the README does not lead to docs/%s", page)
		}
	}
}
