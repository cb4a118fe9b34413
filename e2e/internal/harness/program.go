package harness

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Program() is the program under test, built once.
var exporterProgram string

// Program is the file of the program under test.
func Program() string { return exporterProgram }

// root is where the module begins.
var root string

// Root is the directory in which the module begins.
func Root() string { return root }

// Main builds the program, runs the tests of a package and returns the exit code.
func Main(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "health_exporter-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "creating a directory for the program:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	goMod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "looking for the module:", err)
		return 1
	}
	root = filepath.Dir(strings.TrimSpace(string(goMod)))
	exporterProgram = filepath.Join(dir, "health_exporter")
	build := exec.Command("go", "build", "-o", exporterProgram, ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// Example writes a shipped example into dir, with every second of the strings put
// in place of the one before it. Each must be there to be replaced.
func Example(t *testing.T, dir, name string, oldNew ...string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name+".example"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			t.Fatalf("%s.example does not contain %q", name, oldNew[i])
		}
		text = strings.ReplaceAll(text, oldNew[i], oldNew[i+1])
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
