package testneed

import (
	"os"
	"strconv"
	"testing"
)

// Soak reports whether there is time for the long versions of tests: `make soak`.
func Soak() bool { return os.Getenv("SOAK") != "" }

// Screenshot is for the test that makes the pictures of the README: `make screenshot`.
// It tests nothing, so that nothing is lost where it does not run.
func Screenshot(t testing.TB) {
	t.Helper()
	if os.Getenv("SCREENSHOT") == "" {
		t.Skip("it makes the pictures of the README: make screenshot")
	}
}

// Scale is for the test that measures the program with very many targets, and gives how
// many: `make bench-scale`. It takes minutes and the whole machine.
func Scale(t testing.TB) (targets int) {
	t.Helper()
	text := os.Getenv("SCALE")
	if text == "" {
		t.Skip("it measures with very many targets: make bench-scale")
	}
	targets, err := strconv.Atoi(text)
	if err != nil || targets < 100 {
		t.Fatalf("SCALE=%s: must be a number of targets, 100 at least", text)
	}
	return targets
}
