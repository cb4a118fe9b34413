package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestChangesArePushedAtOnce: a change of state is not left to the next look around.
func TestChangesArePushedAtOnce(t *testing.T) {
	var told atomic.Bool
	alertmanager := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"target":"nas"`) && strings.Contains(string(body), "TargetUnhealthy") {
			told.Store(true)
		}
	}))
	defer alertmanager.Close()
	url, broken := switchable(t)
	file := filepath.Join(t.TempDir(), "c.yml")
	write(t, file, fmt.Sprintf("targets: [{app: nas, url: %q, interval: 1s, unhealthy: 1, healthy: 1}]\nalerting: {alertmanagers: [%q]}", url, alertmanager.URL))
	r := start(t, Options{ConfigFile: file})
	r.eventually("healthy", func() bool { return r.state("nas") == "HEALTHY" })
	time.Sleep(2 * time.Second) // the look that came of that is over, and the next is far
	broken.Store(true)
	r.eventually("unhealthy", func() bool { return r.state("nas") == "UNHEALTHY" })
	for began := time.Now(); !told.Load(); time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > 4*time.Second {
			t.Fatal("not pushed within 4 s")
		}
	}
}
