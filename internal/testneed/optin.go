package testneed

import (
	"os"
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
