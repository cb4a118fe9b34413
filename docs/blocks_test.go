package docs_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// root is where the module begins, as seen from here.
const root = ".."

// codeBlocks are the fenced blocks of a document in one language, in their order.
func codeBlocks(t *testing.T, file, language string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fenced := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```$")
	for _, match := range fenced.FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, match[1])
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no block of %s", file, language)
	}
	return blocks
}

// looksLike reports whether a text is what a page says, where … stands for anything.
func looksLike(got, said string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(said)), "…", ".*")
	return regexp.MustCompile("(?s)^" + pattern + "$").MatchString(strings.TrimSpace(got))
}

// saved puts a block of a page into a file.
func saved(t *testing.T, name, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// built compiles a program of a document as if it were one of the examples.
func built(t *testing.T, program string) (executable string) {
	t.Helper()
	at, err := filepath.Abs(filepath.Join(root, "examples", "documented", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	placed, err := json.Marshal(map[string]any{"Replace": map[string]string{
		at: saved(t, "main.go", program),
	}})
	if err != nil {
		t.Fatal(err)
	}
	executable = filepath.Join(t.TempDir(), "documented")
	build := exec.Command("go", "build", "-overlay="+saved(t, "overlay.json", string(placed)), "-o", executable, "./examples/documented")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\nthe program is\n%s", err, out, program)
	}
	return executable
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s it is still not so that %s", what)
		}
	}
}
