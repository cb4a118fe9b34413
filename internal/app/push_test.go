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
		if time.Since(began) > 10*time.Second { // the next look is after 15 s
			t.Fatal("not pushed within 10 s")
		}
	}
}

// TestReloadMovesTheHeartbeat: another URL in the file is asked from the reload on, and
// the old one no more.
func TestReloadMovesTheHeartbeat(t *testing.T) {
	var first, second atomic.Int32
	waiting := func(beats *atomic.Int32) string {
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { beats.Add(1) }))
		t.Cleanup(s.Close)
		return s.URL
	}
	file := filepath.Join(t.TempDir(), "c.yml")
	section := func(url string) string { return fmt.Sprintf("alerting: {heartbeat: {url: %q, interval: 1h}}", url) }
	write(t, file, section(waiting(&first)))
	r := start(t, Options{ConfigFile: file})
	r.eventually("heard", func() bool { return first.Load() == 1 })
	write(t, file, section(waiting(&second)))
	for range 2 { // the second time nothing has changed, so nothing begins anew
		if code, body := r.post("/-/reload", ""); code != http.StatusOK {
			t.Fatalf("%d %s", code, body)
		}
		r.eventually("heard elsewhere", func() bool { return second.Load() > 0 })
	}
	if first.Load() != 1 || second.Load() != 1 {
		t.Errorf("the first was asked %d times, the second %d times, want once each", first.Load(), second.Load())
	}
}
