package app

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/prober"
)

// names are all targets, in order.
func (r *running) names() string {
	var names []string
	for _, st := range r.polling.scheduler.Snapshot() {
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
	return withFiles(t, dir, more, file)
}

func withFiles(t *testing.T, dir, more string, files ...string) Options {
	t.Helper()
	path := filepath.Join(dir, "c.yml")
	list, _ := json.Marshal(files)
	write(t, path, fmt.Sprintf("discovery: {jobs: [{name: lan, module: http_2xx, healthy: 1, interval: 1d, file_sd_configs: [{files: %s, refresh_interval: 1s}]}]}\n%s", list, more))
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

// putWhole puts a file where nobody sees a part of it.
func putWhole(t *testing.T, path, text string) {
	t.Helper()
	aside := filepath.Join(t.TempDir(), "new")
	write(t, aside, text)
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
}

// A file is a file, whatever is in its name and in that of its directory, and also if it
// comes later.
func TestFileDiscoveryByNamesThatLookLikePatterns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "conf[a].d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for file, list := range map[string]string{
		"lan[1].json": `[{"targets": ["127.0.0.1:1"]}]`, "lan1.json": `[{"targets": ["127.0.0.1:2"]}]`, // not meant, while the other is there
		"more-1.json": `[{"targets": ["127.0.0.1:3"]}]`,
	} {
		putWhole(t, filepath.Join(dir, file), list)
	}
	r := start(t, withFiles(t, dir, "", "lan[1].json", "bad[.json", "more-*.json", "none[0-9].json"))
	r.becomes("127.0.0.1:1 127.0.0.1:3")
	putWhole(t, filepath.Join(dir, "bad[.json"), `[{"targets": ["127.0.0.1:4"]}]`)
	r.becomes("127.0.0.1:1 127.0.0.1:3 127.0.0.1:4")
	putWhole(t, filepath.Join(dir, "none7.json"), `[{"targets": ["127.0.0.1:5"]}]`)
	r.becomes("127.0.0.1:1 127.0.0.1:3 127.0.0.1:4 127.0.0.1:5")
	if err := os.Rename(filepath.Join(dir, "lan[1].json"), filepath.Join(dir, "none[0-9].json")); err != nil {
		t.Fatal(err)
	}
	r.becomes("127.0.0.1:1 127.0.0.1:2 127.0.0.1:3 127.0.0.1:4")
	r.shows("health_discovery_failures_total" + sixSeries + "0")
}

// A file that is emptied, as by a full disk, is an accident; what it says afterwards
// counts whole.
func TestEmptiedFile(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "lan.yml")
	const three = "- targets: ['127.0.0.1:1']\n- targets: ['127.0.0.1:2']\n- targets: ['127.0.0.1:3']\n"
	const all = "127.0.0.1:1 127.0.0.1:2 127.0.0.1:3"
	write(t, list, three)
	r := start(t, withFile(t, dir, "lan.yml", ""))
	r.becomes(all)
	failures := func() float64 {
		_, page := r.get("/metrics")
		return sample(page, "health_discovery_failures_total"+sixSeries)
	}
	for _, empty := range []string{"", " \n\n", "# nothing\n---\n", "- targets: ['127.0.0.1:9']\n---\n- targets: ['127.0.0.1:1']\n"} {
		before := failures()
		write(t, list, empty)
		r.eventually(fmt.Sprintf("told of %q", empty), func() bool { return failures() > before })
		write(t, list, "oops: [") // what an accident leaves next
		before = failures()
		r.eventually("told of what followed", func() bool { return failures() > before })
		if got := r.names(); got != all {
			t.Errorf("with %q the targets are %s", empty, got)
		}
	}
	write(t, list, "- targets: ['127.0.0.1:2']\n")
	r.becomes("127.0.0.1:2")
	write(t, list, three)
	r.becomes(all)
	for _, none := range []string{"[]", "# none\n--- # yet\n[ ]\n", "- targets: []\n- {targets: []}\n"} {
		write(t, list, none)
		r.becomes("")
		write(t, list, three)
		r.becomes(all)
	}
	write(t, list, "")
	r.end()
	r = start(t, withFile(t, dir, "lan.yml", ""))
	r.eventually("told after a restart", func() bool { return failures() > 0 })
	if got := r.names(); got != all {
		t.Errorf("after a restart the targets are %s", got)
	}
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	r.becomes("")
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

// TestARestartTellsNobodyThatDiscoveredTargetsAreGone although at its start nothing has
// been discovered.
func TestARestartTellsNobodyThatDiscoveredTargetsAreGone(t *testing.T) {
	dir := t.TempDir()
	url, broken := switchable(t)
	broken.Store(true)
	list := filepath.Join(dir, "lan.yml")
	write(t, list, "- targets: ["+url+"]\n  labels: {app: a}\n")
	opts := withFile(t, dir, "lan.yml", "alerting: {email: {smarthost: '127.0.0.1:1', tls: none, from: x@example.org, to: [me@example.org]}}\n")
	r := start(t, opts)
	r.becomes("a")
	for range 2 {
		r.post("/api/v1/targets/a/probe", "")
	}
	r.end()

	told := func() int {
		t.Helper()
		opts.Log, opts.Web = slog.New(slog.DiscardHandler), webFlags("127.0.0.1:0")
		a, err := New(opts)
		if err != nil {
			t.Fatal(err)
		}
		before := a.telling.outbox.Stats().Queued
		outbox := &audience{telling: a.telling, journal: a.chronicle.Journal, to: a.telling.outbox}
		for more := true; more; more = outbox.step() {
			continue
		}
		news := a.telling.outbox.Stats().Queued - before
		if before == 0 {
			t.Error("not even the outage was told")
		}
		if err := a.parts.close(); err != nil {
			t.Fatal(err)
		}
		return news
	}
	if n := told(); n != 0 {
		t.Errorf("the restart tells %d news", n)
	}
	// Where nobody knows the last list there is time to find it again.
	if err := os.Remove(filepath.Join(opts.StoragePath, "discovered.json")); err != nil {
		t.Fatal(err)
	}
	if n := told(); n != 0 {
		t.Errorf("without the last list the restart tells %d news", n)
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
	for _, st := range r.polling.scheduler.Snapshot() {
		byName[st.Target.App] = st.Target
	}
	if got := byName["both"]; got.Source != prober.SourceConfig {
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
