package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/cli"
)

func TestSeedAliases(t *testing.T) {
	got := seedAliases([]string{"-ba", "127.0.0.1", "-p", "1", "--config=x.yml", "--config", "y.yml", "-v"})
	want := []string{"--bind_addr", "127.0.0.1", "-p", "1", "--config.file=x.yml", "--config.file", "y.yml", "-v"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestPrecedence: command line, then environment, then file, then default.
func TestPrecedence(t *testing.T) {
	parse := func(args ...string) *flags {
		t.Helper()
		k, f := commandLine()
		if faults := applyFileOptions(k, map[string]string{"storage.path": "file", "web.listen-address": ":1", "timeout-offset": "2"}); len(faults) > 0 {
			t.Fatal(faults)
		}
		if _, err := k.Parse(seedAliases(args)); err != nil {
			t.Fatal(err)
		}
		if err := f.apply(cli.Origins(k, seedAliases(args), map[string]string{"storage.path": "file", "web.listen-address": ":1", "timeout-offset": "2"})); err != nil {
			t.Fatal(err)
		}
		return f
	}
	if f := parse(); f.storagePath != "file" || f.timeoutOffset.Seconds() != 2 || !slices.Equal(*f.web.WebListenAddresses, []string{":1"}) {
		t.Errorf("file: %+v, listen %q", f, *f.web.WebListenAddresses)
	}
	t.Setenv("HEALTH_EXPORTER_STORAGE_PATH", "environment")
	t.Setenv("HEALTH_EXPORTER_WEB_LISTEN_ADDRESS", ":2")
	if f := parse(); f.storagePath != "environment" || !slices.Equal(*f.web.WebListenAddresses, []string{":2"}) {
		t.Errorf("environment: %+v, listen %q", f, *f.web.WebListenAddresses)
	}
	if f := parse("--storage.path=line", "--web.listen-address=:3", "--web.listen-address=:4"); f.storagePath != "line" ||
		!slices.Equal(*f.web.WebListenAddresses, []string{":3", ":4"}) {
		t.Errorf("command line: %+v, listen %q", f, *f.web.WebListenAddresses)
	}
	if f := parse("-p", "7", "-ba", "127.0.0.9"); !slices.Equal(*f.web.WebListenAddresses, []string{"127.0.0.9:7"}) {
		t.Errorf("port and bind address: listen %q", *f.web.WebListenAddresses)
	}
	if on, off := parse(), parse("--no-zeroconf"); !on.zeroconf || off.zeroconf {
		t.Errorf("zeroconf is %v by default, %v if switched off", on.zeroconf, off.zeroconf)
	}
	for _, address := range []string{"127.0.0.9", "::1", "localhost"} {
		parse("--test", "--bind_addr", address)
	}
	if f := parse("--test"); !slices.Equal(*f.web.WebListenAddresses, []string{"127.0.0.1:10115"}) {
		t.Errorf("test: listen %q", *f.web.WebListenAddresses)
	}
}

// TestKubernetesServiceVariable: a service called health-exporter sets a variable
// that looks like our port.
func TestKubernetesServiceVariable(t *testing.T) {
	t.Setenv(portVariable, "tcp://10.0.0.1:10115")
	if code := run([]string{"--config.check", "--config.file=health_exporter.yml.example"}); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yml")
	option := filepath.Join(dir, "option.yml")
	web := filepath.Join(dir, "web.yml")
	for path, text := range map[string]string{bad: "wat: 1", option: "options: {timeout-offset: soon}", web: "{}\n---\nbasic_auth_users: {}\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		want int
		args []string
	}{
		{2, []string{"--wat"}},
		{2, []string{"--port=x"}},
		{2, []string{"--port=65536"}},
		{2, []string{"--web.drain-delay=5"}},
		{2, []string{"-t", "-ba", "0.0.0.0"}},
		{2, []string{"--test", "--bind_addr=::", "-p", "1"}},
		{2, []string{"--test", "--bind_addr=nas.example.org"}},
		{2, []string{"rules"}},
		{2, []string{"--probe.user-agent=a\r\nHost: b"}},
		{2, []string{"--config.file"}},
		{2, []string{"--config"}},
		{2, []string{"--config.file="}},
		{2, []string{"--config.file", "--config.check"}},
		{2, []string{"--config.check", "--storage.path"}},
		{2, []string{"--config.check", "-p"}},
		{2, []string{"--config.check", "-vp"}},
		{2, []string{"--config.check", "-ba"}},
		{2, []string{"--storage.path", "--config.check"}},
		{2, []string{"rules", "--dir"}},
		{2, []string{"registry", "dump", "--url"}},
		{2, []string{"probe", "127.0.0.1:1", "-m"}},
		{3, []string{"status", "--url"}},
		{1, []string{"--config.check", "--config.file", filepath.Join(dir, "nowhere.yml")}},
		{1, []string{"--config.check", "--config.file", bad}},
		{1, []string{"--config.check", "--config.file", option}},
		{1, []string{"--config.check", "--config.file=health_exporter.yml.example", "--web.config.file", web}},
		{0, []string{"--config.check", "--config.file", os.DevNull}},
		{0, []string{"--config.check", "--config.file=health_exporter.yml.example"}},
		{0, []string{"--config.check", "-vp7"}},
		{0, []string{"--config.check", "--no-zeroconf", "--storage.path="}},
		{0, []string{"rules", "--dir", filepath.Join(dir, "out")}},
	} {
		if got := run(test.args); got != test.want {
			t.Errorf("%q: exit code %d, want %d", test.args, got, test.want)
		}
	}
}

// TestFaultsOfOptions: they are told with their lines, and with all others of the file.
func TestFaultsOfOptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yml")
	const text = "options:\n  timeout-offset: soon\n  wat: 1\n\n  log.level: loud\n  storage.path: [a]\ntargets:\n- {app: a}\nmore: 1\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k, _ := commandLine()
	read, options, err := fileOptions([]string{"--config.file", file})
	if err == nil {
		t.Error("a list is taken for an option")
	}
	got := read.Refuse(applyFileOptions(k, options)).Error()
	for _, want := range []string{
		"6 faults", "line 2: options.timeout-offset: must be a number of seconds from 0 to 3600, not \"soon\"", "line 3: options.wat: unknown option", "line 5: options.log.level: must be one of debug, info, warn, error, not \"loud\"",
		"line 6: options.storage.path: must be a single value", "line 8: targets[0].url", "line 9: more: unknown key",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
	if code := run([]string{"--config.check", "--config.file", file}); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

// TestUserAgentReachesTheModules: with a file and without.
func TestUserAgentReachesTheModules(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.UserAgent() }))
	defer server.Close()
	dir := t.TempDir()
	t.Chdir(dir)
	for path, text := range map[string]string{"own.yml": "modules_files: [more.yml]", "more.yml": "modules: {http_2xx: {prober: http}}"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{}, {"--config.file=own.yml"}} {
		if code := run(append(args, "--probe.user-agent=me/1", "probe", server.URL)); code != 0 || got != "me/1" {
			t.Errorf("%q: exit code %d, User-Agent %q", args, code, got)
		}
	}
}

func TestPrefix(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "/"},
		{[]string{"--web.route-prefix=health"}, "/health/"},
		{[]string{"--web.route-prefix=/a/b/"}, "/a/b/"},
		{[]string{"--web.external-url=https://example.org/health/"}, "/health/"},
		{[]string{"--web.external-url=https://example.org/health/", "--web.route-prefix=/"}, "/"},
		{[]string{"--web.external-url=https://example.org"}, "/"},
	} {
		k, f := commandLine()
		if _, err := k.Parse(test.args); err != nil {
			t.Fatal(err)
		}
		if got := f.prefix(); got != test.want {
			t.Errorf("%q: %q, want %q", test.args, got, test.want)
		}
	}
	for _, bad := range []string{"example.org", "ftp://example.org", "http://", "https://example.org/?a=b"} {
		k, _ := commandLine()
		if _, err := k.Parse([]string{"--web.external-url=" + bad}); err == nil {
			t.Errorf("%q is taken for a URL", bad)
		}
	}
}

// TestSecondSignal is told apart from the first.
func TestSecondSignal(t *testing.T) {
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer stop()
	hurry := make(chan struct{})
	defer closeAtNextSignal(ctx, hurry)()
	send := func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	send()
	<-ctx.Done()
	select {
	case <-hurry:
		t.Fatal("the first signal hurries")
	default:
	}
	// The second is looked for in a goroutine, which may not have begun to.
	for deadline := time.Now().Add(10 * time.Second); ; {
		send()
		select {
		case <-hurry:
			return
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("no signal hurries")
		}
	}
}
