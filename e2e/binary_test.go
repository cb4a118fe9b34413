package e2e

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/health-exporter/health_exporter/internal/testport"
)

func TestStartsWithoutConfiguration(t *testing.T) {
	t.Parallel()
	address := testport.Reserve(t)
	cmd := exec.Command(exporterProgram, "--web.listen-address="+address)
	cmd.Dir = t.TempDir()
	p := start(t, "health_exporter", cmd)
	p.awaitReady(t, "http://"+address+"/-/healthy")
	for _, path := range []string{"/", "/-/ready", "/metrics", "/api/v1/targets", "/api/v1/sd"} {
		get(t, "http://"+address+path)
	}
	if code := p.terminate(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}

// TestRefusesToStart has everything that can be wrong at the start: one line says
// what, and the exit code tells wrong usage from the rest.
func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "--config.file=" + path
	}
	tests := []struct {
		name     string
		args     []string
		exitCode int
		says     []string
	}{
		{"taken port", []string{"--web.listen-address=" + listener.Addr().String()}, 1, []string{listener.Addr().String(), "port is taken"}},
		{"unknown flag", []string{"--no-such-flag"}, 2, []string{"no-such-flag"}},
		{"wrong value of a flag", []string{"--log.level=loud"}, 2, []string{"loud"}},
		{"unknown command", []string{"dance"}, 2, []string{"dance"}},
		{"missing flag", []string{"rules"}, 2, []string{"dir"}},
		{"no configuration file", []string{"--config.file=" + filepath.Join(dir, "none.yml")}, 1, []string{"none.yml", "no such file"}},
		{"unreadable configuration file", []string{"--config.file=" + dir}, 1, []string{dir, "is a directory"}},
		{"no YAML", []string{file("broken.yml", "modules:\n  a: [\n")}, 1, []string{"broken.yml", "line 2", "not valid YAML"}},
		{
			"unknown key",
			[]string{file("unknown.yml", "modules:\n  x: {prober: http}\nregistration:\n  allowed_mails: []\n")},
			1,
			[]string{"unknown.yml", "4", "registration.allowed_mails"},
		},
		{
			"wrong value",
			[]string{file("wrong.yml", "targets:\n- app: nas\n  url: http://nas.example.org\n  interval: soon\n")},
			1,
			[]string{"wrong.yml", "4", "targets[0].interval", "soon"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			args := test.args
			if !strings.Contains(args[0], "listen-address") && test.exitCode == 1 {
				args = append(args, "--web.listen-address="+testport.Reserve(t))
			}
			cmd := exec.Command(exporterProgram, args...)
			cmd.Dir = t.TempDir()
			p := start(t, "health_exporter", cmd)
			if got := p.exitCode(t); got != test.exitCode {
				t.Errorf("exit code %d, want %d", got, test.exitCode)
			}
			log := p.log.String()
			for _, want := range test.says {
				if !strings.Contains(log, want) {
					t.Errorf("it does not say %q:\n%s", want, log)
				}
			}
			if n := strings.Count(log, "error: "); n != 1 || strings.Contains(log, "goroutine ") {
				t.Errorf("%d lines of error, want one clear one:\n%s", n, log)
			}
		})
	}
}

// TestKilledWhileRegistering kills the exporter in the middle of many changes, again
// and again. What it has acknowledged must be there when it is back.
func TestKilledWhileRegistering(t *testing.T) {
	t.Parallel()
	e := startExporter(t, "")
	acknowledged := map[string]bool{} // by app: whether it is registered
	const rounds, clients = 4, 8
	for round := range rounds {
		killAfter := int64(40 + 60*round)
		maps.Copy(acknowledged, changeUntilKilled(t, e, round, clients, killAfter))
		e.start(t)
		known := e.apps(t)
		lost, returned := 0, 0
		for app, registered := range acknowledged {
			switch {
			case registered && !known[app]:
				lost++
			case !registered && known[app]:
				returned++
			}
		}
		t.Logf("round %d: %d changes acknowledged so far, %d targets", round, len(acknowledged), len(known))
		if lost > 0 || returned > 0 {
			t.Fatalf("round %d: of %d acknowledged changes, %d registrations were lost and %d removed targets came back",
				round, len(acknowledged), lost, returned)
		}
	}
}

// changeUntilKilled has clients register targets, and remove every fifth again,
// until the exporter is killed. It returns the targets of which is known whether
// they are registered.
func changeUntilKilled(t *testing.T, e *exporter, round, clients int, killAfter int64) map[string]bool {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), startLimit)
	defer stop()
	var (
		acknowledged atomic.Int64
		mu           sync.Mutex
		known        = map[string]bool{} // guarded by mu
		work         sync.WaitGroup
	)
	enough := make(chan struct{})
	note := func(app string, registered bool) {
		mu.Lock()
		known[app] = registered
		mu.Unlock()
		if acknowledged.Add(1) == killAfter {
			close(enough)
		}
	}
	for client := range clients {
		work.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				app := fmt.Sprintf("app %d.%d.%d", round, client, n)
				status, err := e.call(http.MethodPost, "/api/v1/targets", registration(app, "http://127.0.0.1:9", ""), nil)
				if err != nil {
					if status != 0 {
						t.Errorf("registering %s: %v", app, err)
					}
					return // killed
				}
				note(app, true)
				if n%5 != 0 {
					continue
				}
				mu.Lock()
				delete(known, app) // whether it is there is not known until the answer
				mu.Unlock()
				if _, err := e.call(http.MethodDelete, targetPath(app), nil, nil); err != nil {
					return
				}
				note(app, false)
			}
		})
	}
	select {
	case <-enough:
	case <-ctx.Done():
		t.Errorf("only %d changes were acknowledged in %v", acknowledged.Load(), startLimit)
	}
	e.kill()
	work.Wait()
	return known
}

// apps returns the names of all targets.
func (e *exporter) apps(t *testing.T) map[string]bool {
	t.Helper()
	var list struct{ Targets []struct{ App string } }
	e.mustCall(t, http.MethodGet, "/api/v1/targets", nil, &list, http.StatusOK)
	apps := map[string]bool{}
	for _, target := range list.Targets {
		apps[target.App] = true
	}
	return apps
}

// TestRulesCommand writes the files that Prometheus and Alertmanager read.
func TestRulesCommand(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	out, err := exec.Command(exporterProgram, "rules", "--dir", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"rules/health_exporter.rules.yml", "rules/health_exporter.rules.test.yml", "rules/health_slo.rules.yml", "templates/health.tmpl", "dashboards/overview.json"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(string(out), path) {
			t.Errorf("it does not say that it wrote %s:\n%s", path, out)
		}
	}
}
