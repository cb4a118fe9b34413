package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// lists serves an http_sd list that can be changed, and counts who asks.
type lists struct {
	*httptest.Server
	body, contentType atomic.Pointer[string]
	code              atomic.Int32
	asked             atomic.Int32
}

func serveList(t *testing.T, body string) *lists {
	l := &lists{}
	l.set(http.StatusOK, "application/json", body)
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		l.asked.Add(1)
		w.Header().Set("Content-Type", *l.contentType.Load())
		w.WriteHeader(int(l.code.Load()))
		_, _ = w.Write([]byte(*l.body.Load()))
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *lists) set(code int, contentType, body string) {
	l.code.Store(int32(code))
	l.contentType.Store(&contentType)
	l.body.Store(&body)
}

func TestHTTPDiscovery(t *testing.T) {
	l := serveList(t, `[{"targets": ["127.0.0.1:1"]}]`)
	file := filepath.Join(t.TempDir(), "c.yml")
	write(t, file, fmt.Sprintf("discovery: {jobs: [{name: lan, module: tcp_connect, http_sd_configs: [{url: %q, refresh_interval: 50ms}]}]}", l.URL))
	r := start(t, Options{ConfigFile: file})
	r.becomes("127.0.0.1:1")
	const failures = `health_discovery_failures_total{config="lan",mechanism="http_sd"} `
	for _, bad := range []struct {
		code              int
		contentType, body string
	}{
		{http.StatusInternalServerError, "application/json", `[]`},
		{http.StatusOK, "text/html", `[]`},
		{http.StatusOK, "application/json", `[{"targets": ["127.0.0.1:9"]`},
		{http.StatusOK, "application/json", `{}`},
		{http.StatusOK, "application/json", `[null]`},
		{http.StatusNotFound, "application/json", ``},
	} {
		_, page := r.get("/metrics")
		l.set(bad.code, bad.contentType, bad.body)
		r.eventually("told of a bad list", func() bool {
			_, now := r.get("/metrics")
			return sample(now, failures) > sample(page, failures)+1
		})
		if got := r.names(); got != "127.0.0.1:1" {
			t.Errorf("with %+v the targets are %s", bad, got)
		}
	}
	l.set(http.StatusOK, "application/json; charset=utf-8", `[{"targets": ["127.0.0.1:1", "127.0.0.1:2"]}, {"targets": ["127.0.0.1:3"], "labels": {"__param_module": "nix"}}]`)
	r.becomes("127.0.0.1:1 127.0.0.1:2")
	r.shows(`health_discovery_dropped_total{config="lan",mechanism="http_sd",reason="module"} 1`)
	l.set(http.StatusOK, "application/json", `[]`)
	r.becomes("")
}

// TestReloadLeavesUnchangedJobsAlone and keeps the lists of changed ones until they have
// a new one.
func TestReloadLeavesUnchangedJobsAlone(t *testing.T) {
	same, other := serveList(t, `[{"targets": ["127.0.0.1:1"]}]`), serveList(t, `[{"targets": ["127.0.0.1:2"]}]`)
	file := filepath.Join(t.TempDir(), "c.yml")
	configure := func(interval string, labels, more string) {
		t.Helper()
		write(t, file, fmt.Sprintf(`discovery:
  jobs:
  - {name: same, module: tcp_connect, labels: {x: %s}, http_sd_configs: [{url: %q, refresh_interval: 1h}]}
%s`, labels, same.URL, more))
	}
	job := func(name, interval, url string) string {
		return fmt.Sprintf("  - {name: %s, module: tcp_connect, http_sd_configs: [{url: %q, refresh_interval: %s}]}\n", name, url, interval)
	}
	configure("1h", "a", job("other", "1h", other.URL)+job("third", "1h", serveList(t, `[{"targets": ["127.0.0.1:3"]}]`).URL))
	r := start(t, Options{ConfigFile: file})
	r.becomes("127.0.0.1:1 127.0.0.1:2 127.0.0.1:3")

	other.set(http.StatusInternalServerError, "", "")
	configure("1h", "b", job("other", "50ms", other.URL))
	if code, body := r.post("/-/reload", ""); code != http.StatusOK {
		t.Fatal(code, body)
	}
	r.becomes("127.0.0.1:1 127.0.0.1:2")
	r.eventually("asked again", func() bool { return other.asked.Load() > 3 })
	if got := r.names(); got != "127.0.0.1:1 127.0.0.1:2" {
		t.Errorf("the changed job has lost its list: %s", got)
	}
	if n := same.asked.Load(); n != 1 {
		t.Errorf("the unchanged job has asked %d times", n)
	}
	if _, body := r.get("/api/v1/targets/127.0.0.1:1"); !strings.Contains(body, `"x":"b"`) {
		t.Errorf("the new labels are not in force: %s", body)
	}
	other.set(http.StatusOK, "application/json", `[{"targets": ["127.0.0.1:4"]}]`)
	r.becomes("127.0.0.1:1 127.0.0.1:4")
	if _, page := r.get("/metrics"); strings.Contains(page, `config="third"`) {
		t.Error("the metrics of the job that is gone are still there")
	}
}
