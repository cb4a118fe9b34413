package envinfo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// none is an environment without built-in sections.
func none() *envinfo.Environment {
	return &envinfo.Environment{WithoutOS: true, WithoutGo: true, WithoutProcess: true, WithoutConfig: true, WithoutLimits: true}
}

// asJSON is a value after a journey through JSON.
func asJSON(t *testing.T, value any) map[string]any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

func keys(m any) []string {
	section, _ := m.(map[string]any)
	return slices.Sorted(maps.Keys(section))
}

func TestSections(t *testing.T) {
	env := &envinfo.Environment{Config: func() []envinfo.Setting {
		return []envinfo.Setting{
			{"web.listen-address", ":10115", "default"},
			{"alerting.email.auth_password", "hunter2", "file"},
			{"alerting.email.smarthost", "smtp://a:b@c", "env"},
		}
	}}
	dump := asJSON(t, env.Dump(t.Context()))
	want := map[string][]string{
		"os":      {"arch", "name", "platform", "uname"},
		"go":      {"executable", "gomaxprocs", "goroutines", "main_version", "module", "num_cpu", "packages", "settings", "version", "version_info"},
		"process": {"argv", "cwd", "environ", "pid", "start_time", "uptime_seconds", "user"},
		"config":  {"alerting.email.auth_password", "alerting.email.smarthost", "web.listen-address"},
		"limits":  {"cgroup", "gogc", "gomaxprocs", "gomemlimit", "rlimits"},
	}
	if got, want := keys(dump), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
		t.Errorf("sections are %q, want %q", got, want)
	}
	for name, want := range want {
		if got := keys(dump[name]); !slices.Equal(got, want) {
			t.Errorf("section %s has %q, want %q", name, got, want)
		}
	}
	const config = "map[alerting.email.auth_password:map[origin:file value:********]" +
		" alerting.email.smarthost:map[origin:env value:smtp://********@c] web.listen-address:map[origin:default value::10115]]"
	if got := fmt.Sprint(dump["config"]); got != config {
		t.Errorf("config is %s, want %s", got, config)
	}
	if uname := dump["os"].(map[string]any)["uname"].([]any); len(uname) != 6 || uname[0] == "" {
		t.Errorf("uname is %q", uname)
	}
	golang := dump["go"].(map[string]any)
	if golang["version"] != runtime.Version() || golang["version_info"].(map[string]any)["major"] != 1.0 {
		t.Errorf("go is %v", golang)
	}
}

func TestProcess(t *testing.T) {
	t.Setenv("SOME_APP_NAME", "swordfish-1")
	t.Setenv("SHOWN_APP_NAME", "at http://a:b@c")
	t.Setenv("SHOWN_APP_TOKEN", "swordfish-2")
	t.Setenv("EXACT_TOKEN", "swordfish-3")
	t.Setenv("LC_ALL", "C.UTF-8")
	env := &envinfo.Environment{ShowValues: []string{"SHOWN_*", "EXACT_TOKEN"}}
	process := asJSON(t, env.Dump(t.Context(), "process")["process"])
	environ := process["environ"].(map[string]any)
	for name, want := range map[string]string{
		"SOME_APP_NAME": redact.Mask, "SHOWN_APP_NAME": "at http://********@c", "SHOWN_APP_TOKEN": redact.Mask,
		"EXACT_TOKEN": "swordfish-3", "LC_ALL": "C.UTF-8", "PATH": os.Getenv("PATH"),
	} {
		if environ[name] != want {
			t.Errorf("%s is %v, want %q", name, environ[name], want)
		}
	}
	started, err := time.Parse(time.RFC3339, process["start_time"].(string))
	if age := time.Since(started); err != nil || age < -2*time.Second || age > 10*time.Minute {
		t.Errorf("start_time is %v (%v)", process["start_time"], err)
	}
	if process["pid"] != float64(os.Getpid()) || process["user"] == "" || len(process["argv"].([]any)) != len(os.Args) {
		t.Errorf("process is %v", process)
	}
	if cwd, _ := os.Getwd(); process["cwd"] != cwd {
		t.Errorf("cwd is %v, want %s", process["cwd"], cwd)
	}
}

func TestAddSection(t *testing.T) {
	env := &envinfo.Environment{WithoutOS: true}
	ok := func(context.Context) (any, error) { return "OK", nil }
	for _, test := range []struct {
		name, want string
		content    func(context.Context) (any, error)
	}{
		{"app", "", ok},
		{"app", `the name "app" is already taken`, ok},
		{"go", `the name "go" is already taken`, ok},
		{"os", "", ok},     // left out, so free
		{"config", "", ok}, // there is none
		{"", "a section needs a name", ok},
		{"nil", "a section needs a function", nil},
	} {
		got := ""
		if err := env.AddSection(test.name, test.content); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("adding %q: %q, want %q", test.name, got, test.want)
		}
	}
	if err := env.AddValue("app", 1); err == nil {
		t.Error("AddValue takes a taken name")
	}
	if got := env.Dump(t.Context(), "os", "app"); got["os"] != "OK" || got["app"] != "OK" || len(got) != 2 {
		t.Errorf("dump is %v", got)
	}
}

func TestOwnSections(t *testing.T) {
	env := none()
	for name, content := range map[string]func(context.Context) (any, error){
		"text":    func(context.Context) (any, error) { return "OK", nil },
		"secret":  func(context.Context) (any, error) { return map[string]any{"api_key": "x", "n": 1}, nil },
		"channel": func(context.Context) (any, error) { return map[string]any{"c": struct{ F func() }{}}, nil },
		"error":   func(context.Context) (any, error) { return nil, errors.New("dialing http://a:b@c: refused") },
		"panic":   func(context.Context) (any, error) { panic("password=x") },
		"exit":    func(context.Context) (any, error) { runtime.Goexit(); return nil, nil },
	} {
		if err := env.AddSection(name, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := env.AddValue("value", map[string]any{"token": "x"}); err != nil {
		t.Fatal(err)
	}
	const want = "map[channel:map[c:{F:<nil>}] error:map[error:dialing http://********@c: refused]" +
		" exit:map[error:the section ended its goroutine] panic:map[error:panic: password=********]" +
		" secret:map[api_key:******** n:1] text:OK value:map[token:********]]"
	if got := fmt.Sprint(env.Dump(t.Context())); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestHangingSection: one that hangs costs two seconds and one goroutine, and is
// asked again only when it has returned.
func TestHangingSection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := none()
		var calls atomic.Int32
		release := make(chan struct{})
		if err := env.AddSection("stuck", func(context.Context) (any, error) { calls.Add(1); <-release; return "free", nil }); err != nil {
			t.Fatal(err)
		}
		if err := env.AddSection("obedient", func(ctx context.Context) (any, error) { <-ctx.Done(); return nil, ctx.Err() }); err != nil {
			t.Fatal(err)
		}
		if err := env.AddValue("quick", 1); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		first := env.Dump(t.Context())
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("it takes %v", took)
		}
		if got := fmt.Sprint(first["stuck"], first["quick"]); got != "map[error:no answer after 2s] 1" {
			t.Errorf("got %s", got)
		}
		begin = time.Now()
		if got := fmt.Sprint(env.Dump(t.Context(), "stuck")); got != "map[stuck:map[error:no answer after 2s]]" || calls.Load() != 1 {
			t.Errorf("the second time: %s after %d calls", got, calls.Load())
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("the second time it takes %v", took)
		}
		close(release)
		synctest.Wait()
		if got := fmt.Sprint(env.Dump(t.Context(), "stuck")); got != "map[stuck:free]" || calls.Load() != 2 {
			t.Errorf("free again: %s after %d calls", got, calls.Load())
		}
	})
}

// TestCallerGoesAway: it ends his wait, and no other's.
func TestCallerGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := none()
		if err := env.AddSection("slow", func(ctx context.Context) (any, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Second):
				return "done", nil
			}
		}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := make(chan map[string]any)
		go func() { gone <- env.Dump(ctx) }()
		time.Sleep(100 * time.Millisecond)
		stays := make(chan map[string]any)
		go func() { stays <- env.Dump(t.Context()) }()
		synctest.Wait()
		cancel(errors.New("no more interest"))
		if got := fmt.Sprint(<-gone); got != "map[slow:map[error:no more interest]]" {
			t.Errorf("got %s", got)
		}
		if got := fmt.Sprint(<-stays); got != "map[slow:done]" {
			t.Errorf("the other got %s", got)
		}
	})
}

func TestInfo(t *testing.T) {
	t.Setenv("SOME_APP_NAME", "swordfish-1")
	info := (&envinfo.Environment{}).Info()
	want := map[string]string{
		"health_environment_os_info":      "platform name system release machine",
		"health_environment_go_info":      "version module main_version",
		"health_environment_process_info": "user cwd executable",
	}
	for _, m := range info {
		var labels []string
		for _, l := range m.Labels {
			labels = append(labels, l.Name)
			if strings.Contains(l.Value, "swordfish") {
				t.Errorf("%s tells the environment: %v", m.Name, m.Labels)
			}
		}
		if m.Name == "health_environment_package_info" {
			if got := strings.Join(labels, " "); got != "module version" {
				t.Errorf("%s has the labels %s", m.Name, got)
			}
			continue
		}
		if got := strings.Join(labels, " "); got != want[m.Name] || m.Help == "" {
			t.Errorf("%s has the labels %q, want %q", m.Name, got, want[m.Name])
		}
		delete(want, m.Name)
	}
	if len(want) > 0 {
		t.Errorf("%q are missing", slices.Sorted(maps.Keys(want)))
	}
	if got := none().Info(); len(got) != 0 {
		t.Errorf("all left out: %v", got)
	}
	if base := filepath.Base(os.Args[0]); !strings.Contains(fmt.Sprint(info), base) {
		t.Errorf("no executable %s in %v", base, info)
	}
}

func BenchmarkDump(b *testing.B) {
	env := &envinfo.Environment{}
	b.ReportAllocs()
	for b.Loop() {
		env.Dump(b.Context())
	}
}
