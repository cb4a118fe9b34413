package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// exporterProgram is the program under test, built once.
var exporterProgram string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "health_exporter-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "creating a directory for the program:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	exporterProgram = filepath.Join(dir, "health_exporter")
	build := exec.Command("go", "build", "-o", exporterProgram, ".")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
