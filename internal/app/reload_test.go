package app

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/config"
)

// TestEmptiedConfiguration: a configuration file in which nothing is left changes nothing.
func TestEmptiedConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yml")
	const whole = "targets:\n- app: a\n  url: http://127.0.0.1:1/path\n"
	write(t, file, whole)
	r := start(t, Options{ConfigFile: file})
	for _, text := range []string{"", "# nothing\n", "targets:\n", whole[:len(whole)-3], "targets: [\n", whole + "---\ntargets: []\n"} {
		write(t, file, text)
		if code, body := r.post("/-/reload", ""); code != http.StatusInternalServerError {
			t.Errorf("%q: %d %s", text, code, body)
		}
		if _, page := r.get("/metrics"); !strings.Contains(page, "health_exporter_config_last_reload_successful 0") || !strings.Contains(page, `health_target_info{target="a"`) {
			t.Errorf("%q took the target out, or its gauge is not 0", text)
		}
	}
	write(t, file, "{}")
	if code, body := r.post("/-/reload", ""); code != http.StatusOK {
		t.Errorf("%d %s", code, body)
	}
}

// TestPipe: what cannot be read again is not, and its configuration stays.
func TestPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(pipe, []byte("targets: [{app: a, url: 'http://127.0.0.1:1'}]"), 0o600) }()
	file, err := config.Read(pipe)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, Options{ConfigFile: pipe, Config: file, AutoReload: time.Millisecond})
	if code, body := r.post("/-/reload", ""); code != http.StatusInternalServerError || !strings.Contains(body, "can be read only once") {
		t.Errorf("%d %s", code, body)
	}
	if state := r.state("a"); state == "" {
		t.Error("the target of the pipe is not there")
	}
}

// TestAutoReloadMissesNothing: the file changes after it was read and before anybody looks
// at it, and what is refused is looked at again when any file of it changes.
func TestAutoReloadMissesNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "c.yml")
	write(t, name, "{}")
	file, err := config.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, "modules: {first: {prober: tcp}}")
	r := start(t, Options{ConfigFile: name, Config: file, AutoReload: 10 * time.Millisecond})
	known := func(module string) bool {
		code, _ := r.get("/probe?target=127.0.0.1:1&module=" + module)
		return code == http.StatusOK
	}
	r.eventually("a change before the first look", func() bool { return known("first") })
	write(t, name, "modules_files: [later.yml]")
	r.eventually("refused", func() bool {
		_, page := r.get("/metrics")
		return strings.Contains(page, "health_exporter_config_last_reload_successful 0")
	})
	write(t, filepath.Join(dir, "later.yml"), "modules: {later: {prober: tcp}}")
	r.eventually("a file that was missing", func() bool { return known("later") })
}

// TestOptionsAtReload: wrong ones are told with all that is wrong, and changed ones are told
// to need a restart.
func TestOptionsAtReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yml")
	write(t, file, "options: {a: 1}\n")
	var log logBuffer
	r := startLogging(t, Options{ConfigFile: file, FileOptions: func(options map[string]string) (faults map[string]string, restart []string) {
		switch options["a"] {
		case "bad":
			return map[string]string{"a": "must be good", "b": "must not be there"}, nil
		case "2":
			return nil, []string{"a"}
		}
		return nil, nil
	}}, slog.New(slog.NewTextHandler(&log, nil)))
	write(t, file, "options:\n  a: bad\n  b: [x]\nmore: 1\n")
	code, body := r.post("/-/reload", "")
	if code != http.StatusInternalServerError {
		t.Errorf("%d %s", code, body)
	}
	for _, want := range []string{"4 faults", "line 2: options.a: must be good", "line 3: options.b: must not be there", "line 3: options.b: must be a single value", "line 4: more: unknown key"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in %s", want, body)
		}
	}
	if strings.Contains(log.String(), "restarted") {
		t.Error(log.String())
	}
	write(t, file, "options: {a: 2}\n")
	if code, body := r.post("/-/reload", ""); code != http.StatusOK || !strings.Contains(log.String(), "at=options.a") || !strings.Contains(log.String(), "when the exporter is restarted") {
		t.Errorf("%d %s\n%s", code, body, log.String())
	}
}
