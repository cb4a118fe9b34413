package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/prober"
)

// names are all targets, in order.
func (r *running) names() string {
	var names []string
	for _, st := range r.scheduler.Snapshot() {
		names = append(names, st.Target.App)
	}
	return strings.Join(names, " ")
}

// becomes waits until the targets are these.
func (r *running) becomes(names string) {
	r.t.Helper()
	r.eventually("the targets are "+names, func() bool { return r.names() == names })
}

func (r *running) metric(line string) bool {
	_, page := r.get("/metrics")
	return strings.Contains(page, "\n"+line+"\n")
}

func (r *running) shows(line string) {
	r.t.Helper()
	r.eventually("shown: "+line, func() bool { return r.metric(line) })
}

// withFile is an exporter with a job that reads the file.
func withFile(t *testing.T, dir, file, more string) Options {
	t.Helper()
	path := filepath.Join(dir, "c.yml")
	write(t, path, fmt.Sprintf("discovery: {jobs: [{name: lan, module: http_2xx, healthy: 1, interval: 1d, file_sd_configs: [{files: [%q], refresh_interval: 1s}]}]}\n%s", file, more))
	return Options{ConfigFile: path, StoragePath: filepath.Join(dir, "data")}
}

const sixSeries = `{config="lan",mechanism="file_sd"} `

func TestFileDiscovery(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "lan.json")
	write(t, list, `[{"targets": ["127.0.0.1:1", "127.0.0.1:2"], "labels": {"room": "attic"}}]`)
	r := start(t, withFile(t, dir, "lan.json", "")) // relative to the configuration file
	r.becomes("127.0.0.1:1 127.0.0.1:2")
	r.shows("health_discovery_targets" + sixSeries + "2")
	r.shows("health_discovery_failures_total" + sixSeries + "0")
	if _, body := r.get("/api/v1/targets/127.0.0.1:1"); !strings.Contains(body, `"source":"file_sd:lan"`) || !strings.Contains(body, `"room":"attic"`) {
		t.Errorf("the target is %s", body)
	}

	write(t, list, `[{"targets": ["127.0.0.1:2", "127.0.0.1:3"]}]`)
	r.becomes("127.0.0.1:2 127.0.0.1:3")

	// What is bad changes nothing, and is told.
	for _, bad := range []string{`[{"targets": ["127.0.0.1:4"]`, `[{"targets": "127.0.0.1:4"}]`, `[{"targets": ["127.0.0.1:4"], "lables": {}}]`, "[null]", ""} {
		_, page := r.get("/metrics")
		write(t, list, bad)
		r.eventually("told of "+bad, func() bool {
			_, now := r.get("/metrics")
			return sample(now, "health_discovery_failures_total"+sixSeries) > sample(page, "health_discovery_failures_total"+sixSeries)
		})
		if got := r.names(); got != "127.0.0.1:2 127.0.0.1:3" {
			t.Errorf("with %q the targets are %s", bad, got)
		}
	}
	if code, _ := r.get("/-/ready"); code != http.StatusOK {
		t.Error("the exporter is not ready")
	}

	// A file that is gone is an empty list, and a failure.
	write(t, list, `[{"targets": ["127.0.0.1:5"]}]`)
	r.becomes("127.0.0.1:5")
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	r.becomes("")
	_, page := r.get("/metrics")
	r.eventually("told of the file that is gone", func() bool {
		_, now := r.get("/metrics")
		return sample(now, "health_discovery_failures_total"+sixSeries) > sample(page, "health_discovery_failures_total"+sixSeries)
	})
	write(t, list, `[{"targets": ["127.0.0.1:6"]}]`)
	r.becomes("127.0.0.1:6")
}

// sample is the value of a series on the page, -1 if there is none.
func sample(page, series string) float64 {
	_, rest, ok := strings.Cut(page, "\n"+series)
	if !ok {
		return -1
	}
	var value float64
	fmt.Sscanf(rest, "%g", &value)
	return value
}

// TestMountedConfigMap swaps a symbolic link, as Kubernetes does with what it mounts.
func TestMountedConfigMap(t *testing.T) {
	dir := t.TempDir()
	mount := filepath.Join(dir, "mount")
	version := func(name, port string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(mount, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(mount, name, "lan.yml"), "- targets: ['127.0.0.1:"+port+"']\n")
		if err := os.Symlink(name, filepath.Join(mount, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(mount, "..data_tmp"), filepath.Join(mount, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	version("..1", "1")
	if err := os.Symlink("..data/lan.yml", filepath.Join(mount, "lan.yml")); err != nil {
		t.Fatal(err)
	}
	r := start(t, withFile(t, dir, "mount/*.yml", ""))
	r.becomes("127.0.0.1:1")
	version("..2", "2")
	if err := os.RemoveAll(filepath.Join(mount, "..1")); err != nil {
		t.Fatal(err)
	}
	r.becomes("127.0.0.1:2")
}

// TestDiscoveredStatesSurviveARestart also with the list gone bad: the last good one
// comes back with the start.
func TestDiscoveredStatesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "lan.yml")
	url, broken := switchable(t)
	broken.Store(true)
	write(t, list, "- targets: ["+url+"]\n  labels: {app: a}\n")
	opts := withFile(t, dir, "lan.yml", "")
	r := start(t, opts)
	r.becomes("a")
	for range 2 {
		r.post("/api/v1/targets/a/probe", "")
	}
	_, before := r.get("/api/v1/targets/a/history")
	if state := r.state("a"); state != "UNHEALTHY" {
		t.Fatalf("state %s", state)
	}
	r.end()

	write(t, list, "- targets: [")
	r = start(t, opts)
	if got := r.names(); got != "a" {
		t.Fatalf("at the start the targets are %q", got)
	}
	_, after := r.get("/api/v1/targets/a/history")
	if state := r.state("a"); state != "UNHEALTHY" || transitions(t, before) != transitions(t, after) {
		t.Errorf("after the restart: state %s, transitions %s, before %s", state, after, before)
	}
	r.eventually("told of the bad file", func() bool {
		_, page := r.get("/metrics")
		return sample(page, "health_discovery_failures_total"+sixSeries) > 0
	})
	if got := r.names(); got != "a" {
		t.Errorf("with a bad file the targets are %q", got)
	}
	r.end()

	// Without the lists of the last run the state comes back with the first list.
	if err := os.Remove(filepath.Join(opts.StoragePath, "discovered.json")); err != nil {
		t.Fatal(err)
	}
	write(t, list, "- targets: ["+url+"]\n  labels: {app: a}\n")
	r = start(t, opts)
	r.becomes("a")
	if state := r.state("a"); state != "UNHEALTHY" {
		t.Errorf("after the list was lost: state %s", state)
	}

	// One that is taken out and comes back is a new one.
	write(t, list, "[]")
	r.becomes("")
	write(t, list, "- targets: ["+url+"]\n  labels: {app: a}\n")
	r.becomes("a")
	if state := r.state("a"); state == "UNHEALTHY" { // one failure is not enough for that
		t.Errorf("after it was away: state %s", state)
	}
	r.end()

	// A file that is gone, or a job that is, takes its targets along.
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	r = start(t, opts)
	r.becomes("")
	write(t, list, "- targets: ["+url+"]\n  labels: {app: a}\n")
	r.becomes("a")
	r.end()
	write(t, opts.ConfigFile, "")
	r = start(t, opts)
	if got := r.names(); got != "" {
		t.Errorf("without the job the targets are %q", got)
	}
}

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

func TestDiscoveredTargetsObeyTheOperator(t *testing.T) {
	dir := t.TempDir()
	url, _ := switchable(t)
	port := url[strings.LastIndexByte(url, ':')+1:]
	write(t, filepath.Join(dir, "lan.yml"), fmt.Sprintf(`
- {targets: ["127.0.0.1:%s"], labels: {app: denied}}
- {targets: ["127.0.0.1:1"], labels: {app: both}}
- {targets: ["127.0.0.1:1"], labels: {app: mail, __health_email__: me@example.org}}
- {targets: ["127.0.0.1:1"], labels: {app: spam, __health_email__: you@example.com}}
`, port))
	r := start(t, withFile(t, dir, "lan.yml", fmt.Sprintf(`
network: {deny: ["127.0.0.1:%s"]}
registration: {allowed_emails: [me@example.org]}
targets: [{app: both, url: "http://127.0.0.1:2", interval: 1d}]
`, port)))
	r.becomes("both denied mail spam")
	r.eventually("refused", func() bool {
		_, body := r.post("/api/v1/targets/denied/probe", "")
		return strings.Contains(body, "policy")
	})
	byName := map[string]*prober.Target{}
	for _, st := range r.scheduler.Snapshot() {
		byName[st.Target.App] = st.Target
	}
	if got := byName["both"]; got.Source != config.SourceName {
		t.Errorf("the file does not win over what is discovered: %+v", got)
	}
	if !byName["mail"].MailAllowed || byName["spam"].MailAllowed {
		t.Errorf("mail allowed to %+v, %+v", byName["mail"], byName["spam"])
	}
	if code, body := r.post("/api/v1/targets/denied/pause", ""); code >= 300 {
		t.Fatal(code, body)
	}
	write(t, filepath.Join(dir, "lan.yml"), fmt.Sprintf("- {targets: ['127.0.0.1:%s'], labels: {app: denied, new: label}}\n", port))
	r.becomes("both denied")
	r.eventually("changed", func() bool {
		_, body := r.get("/api/v1/targets/denied")
		return strings.Contains(body, `"new":"label"`) && strings.Contains(body, `"paused":true`)
	})
}
