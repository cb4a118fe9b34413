package app

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/health-exporter/health_exporter/prober/schedule"
)

// unhealthy makes the exporter find the target "a" unhealthy, and ends it.
func unhealthy(r *running) {
	r.t.Helper()
	for range 2 {
		r.post("/api/v1/targets/a/probe", "")
	}
	if state := r.state("a"); state != "UNHEALTHY" {
		r.t.Fatalf("state %s", state)
	}
	r.end()
}

// TestTakenOutWhileDown: a target that was taken out of the file while the exporter was
// down, and is put back later, is a new one.
func TestTakenOutWhileDown(t *testing.T) {
	url, broken := switchable(t)
	broken.Store(true)
	for name, test := range map[string]struct {
		discovery string
		want      string
	}{
		"nothing is discovered": {"", "UNKNOWN"},
		// It may be one that is discovered, only later: nothing is decided so soon.
		"others may be discovered": {"discovery: {jobs: [{name: j, file_sd_configs: [{files: [missing.yml]}]}]}\n", "UNHEALTHY"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "c.yml")
			with := test.discovery + fmt.Sprintf("targets: [{app: a, url: %q, interval: 1d, initial_delay: 1d, healthy: 1}]\n", url)
			opts := Options{ConfigFile: file, StoragePath: filepath.Join(dir, "data")}
			write(t, file, with)
			unhealthy(start(t, opts))
			write(t, file, test.discovery+"targets: []\n")
			start(t, opts).end()
			write(t, file, with)
			r := start(t, opts)
			if state := r.state("a"); state != test.want {
				t.Errorf("state %s, want %s", state, test.want)
			}
		})
	}
}

// TestTakenOutJustBeforeTheEnd: so is one that was taken out a moment before the exporter
// was stopped.
func TestTakenOutJustBeforeTheEnd(t *testing.T) {
	url, broken := switchable(t)
	broken.Store(true)
	for _, discovery := range []string{"", "discovery: {jobs: [{name: j, file_sd_configs: [{files: [missing.yml]}]}]}\n"} {
		dir := t.TempDir()
		file := filepath.Join(dir, "c.yml")
		with := discovery + fmt.Sprintf("targets: [{app: a, url: %q, interval: 1d, initial_delay: 1d, healthy: 1}]\n", url)
		opts := Options{ConfigFile: file, StoragePath: filepath.Join(dir, "data")}
		write(t, file, with)
		unhealthy(start(t, opts))
		r := start(t, opts)
		write(t, file, discovery+"targets: []\n")
		r.post("/-/reload", "")
		r.end()
		write(t, file, with)
		r = start(t, opts)
		if state := r.state("a"); state != "UNKNOWN" {
			t.Errorf("state %s, with %q", state, discovery)
		}
	}
}

// TestDiscoveredAgainLater: what is discovered again only after a restart keeps its state.
func TestDiscoveredAgainLater(t *testing.T) {
	url, broken := switchable(t)
	broken.Store(true)
	dir := t.TempDir()
	file, list, data := filepath.Join(dir, "c.yml"), filepath.Join(dir, "list.yml"), filepath.Join(dir, "data")
	write(t, file, fmt.Sprintf("discovery: {jobs: [{name: j, module: http_2xx, interval: 1d, file_sd_configs: [{files: [%q], refresh_interval: 1s}]}]}\n", list))
	write(t, list, fmt.Sprintf("[{targets: [%q], labels: {app: a}}]\n", url))
	opts := Options{ConfigFile: file, StoragePath: data}
	r := start(t, opts)
	r.eventually("discovered", func() bool { return r.state("a") != "" })
	unhealthy(r)
	for _, lost := range []string{list, filepath.Join(data, "discovered.json")} {
		if err := os.Remove(lost); err != nil {
			t.Fatal(err)
		}
	}
	r = start(t, opts)
	if state := r.state("a"); state != "" {
		t.Fatalf("it is there: %s", state)
	}
	r.end()
	write(t, list, fmt.Sprintf("[{targets: [%q], labels: {app: a}}]\n", url))
	r = start(t, opts)
	r.eventually("discovered", func() bool { // and on the schedule: until then it is unknown
		_, ok := r.polling.scheduler.Status("a")
		return ok
	})
	if state := r.state("a"); state != "UNHEALTHY" {
		t.Errorf("state %s", state)
	}
}

// TestTakenOutWhileOthersAreDiscovered: in time it is decided all the same.
func TestTakenOutWhileOthersAreDiscovered(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "c.yml")
	write(t, file, "discovery: {jobs: [{name: j, file_sd_configs: [{files: [missing.yml]}]}]}\ntargets: [{app: a, url: \"http://10.0.0.1\"}]\nchecks: [{name: c, kind: clock}]\n")
	a, err := New(Options{ConfigFile: file, Web: webFlags("127.0.0.1:0"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.parts.close()
	states := map[string]*schedule.Saved{}
	for _, name := range []string{"a", "gone", checkPrefix + "c", checkPrefix + "gone"} {
		states[name] = &schedule.Saved{}
	}
	if err := a.storage.Save(states); err != nil {
		t.Fatal(err)
	}
	a.saver.remember()
	kept := func() string {
		a.saver.forgetGone()
		return fmt.Sprintf("%q", slices.Sorted(slices.Values(a.storage.Remembered())))
	}
	if got := kept(); got != `["a" "check\x00c" "gone"]` {
		t.Errorf("soon after the start: %s", got)
	}
	a.polling.started = a.polling.started.Add(-settleAfter)
	if got := kept(); got != `["a" "check\x00c"]` {
		t.Errorf("later: %s", got)
	}
}
