package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testport"
)

func TestStartsWithoutConfiguration(t *testing.T) {
	t.Parallel()
	address := testport.Reserve(t)
	cmd := exec.Command(harness.Program(), "--web.listen-address="+address)
	cmd.Dir = t.TempDir()
	p := harness.Start(t, "health_exporter", cmd)
	p.AwaitReady(t, "http://"+address+"/-/ready")
	for _, path := range []string{"/", "/-/ready", "/metrics", "/api/v1/targets", "/api/v1/sd"} {
		harness.Get(t, "http://"+address+path)
	}
	if code := p.Terminate(t); code != 0 {
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
			cmd := exec.Command(harness.Program(), args...)
			cmd.Dir = t.TempDir()
			p := harness.Start(t, "health_exporter", cmd)
			if got := p.ExitCode(t); got != test.exitCode {
				t.Errorf("exit code %d, want %d", got, test.exitCode)
			}
			log := p.Log.String()
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

// TestRulesCommand writes the files that Prometheus and Alertmanager read.
func TestRulesCommand(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	out, err := exec.Command(harness.Program(), "rules", "--dir", dir).CombinedOutput()
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
