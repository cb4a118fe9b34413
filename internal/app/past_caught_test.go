package app

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestCaughtUpAlthoughNothingWasWritten: the disk is full from just after the first start
// on, and the exporter is killed. The history has what the journal has.
func TestCaughtUpAlthoughNothingWasWritten(t *testing.T) {
	dir, killed := t.TempDir(), t.TempDir()
	url, broken := switchable(t)
	r := start(t, Options{StoragePath: dir})
	first, err := os.ReadFile(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	if code, body := r.post("/api/v1/targets", fmt.Sprintf(`{"app":"a","url":%q,"initial_delay":300,"fast_start":true}`, url)); code != http.StatusCreated {
		t.Fatalf("%d %s", code, body)
	}
	for range 3 {
		if code, body := r.post("/api/v1/targets/a/probe", ""); code != http.StatusOK {
			t.Fatalf("%d %s", code, body)
		}
		time.Sleep(2 * time.Millisecond) // the history counts in milliseconds
		broken.Store(true)
	}
	r.wantPast("a", "NO_DATA, UNKNOWN, HEALTHY, DEGRADED, UNHEALTHY")
	r.end()

	copyFile(t, filepath.Join(dir, "registry.db"), filepath.Join(killed, "registry.db"))
	copyFile(t, filepath.Join(dir, "initialised"), filepath.Join(killed, "initialised"))
	write(t, filepath.Join(killed, "history.db"), string(first))
	r = start(t, Options{StoragePath: killed})
	r.wantPast("a", "NO_DATA, UNKNOWN, HEALTHY, DEGRADED, NO_DATA, UNHEALTHY") // it lived until the last event
}
