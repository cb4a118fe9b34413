package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"go.uber.org/goleak"

	"github.com/health-exporter/health_exporter/internal/testport"
)

// The library that announces leaves a goroutine for some seconds.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/grandcat/zeroconf.(*Server).probe"))
}

// running is an exporter on a free port.
type running struct {
	*App
	t     *testing.T
	url   string
	stop  context.CancelCauseFunc
	ended chan error
}

func start(t *testing.T, opts Options) *running {
	t.Helper()
	return startLogging(t, opts, slog.New(slog.DiscardHandler))
}

func startLogging(t *testing.T, opts Options, log *slog.Logger) *running {
	t.Helper()
	address := testport.Reserve(t)
	given := opts.Web
	if opts.Web = webFlags(address); given != nil {
		opts.Web.WebConfigFile = given.WebConfigFile
	}
	opts.Log = log
	a, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	r := &running{App: a, t: t, url: "http://" + address, stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- a.Run(ctx) }()
	t.Cleanup(r.end)
	r.eventually("ready", func() bool { code, _ := r.get("/-/ready"); return code == http.StatusOK })
	return r
}

func webFlags(address string) *web.FlagConfig {
	return &web.FlagConfig{WebListenAddresses: &[]string{address}, WebSystemdSocket: new(bool), WebConfigFile: new(string)}
}

// end stops the exporter, once.
func (r *running) end() {
	r.t.Helper()
	r.stop(errors.New("the test ended"))
	if err, ok := <-r.ended; ok && err != nil {
		r.t.Errorf("the exporter ended with %s", err)
	} else if ok {
		close(r.ended)
	}
	http.DefaultClient.CloseIdleConnections()
}

func (r *running) eventually(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("not %s within 20 s", what)
		}
	}
}

func (r *running) get(path string) (int, string) {
	resp, err := http.Get(r.url + path)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

func (r *running) post(path, body string) (int, string) {
	r.t.Helper()
	resp, err := http.Post(r.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

func (r *running) state(app string) string {
	_, body := r.get("/api/v1/targets/" + app)
	var v struct{ State string }
	_ = json.Unmarshal([]byte(body), &v)
	return v.State
}

// switchable is a target that can be broken.
func switchable(t *testing.T) (url string, broken *atomic.Bool) {
	broken = new(atomic.Bool)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, broken
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestStatesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	url, broken := switchable(t)
	broken.Store(true)
	r := start(t, Options{StoragePath: dir})
	if code, body := r.post("/api/v1/targets", fmt.Sprintf(`{"app":"a","url":%q,"initial_delay":0}`, url)); code != http.StatusCreated {
		t.Fatalf("%d %s", code, body)
	}
	for range 2 {
		if code, body := r.post("/api/v1/targets/a/probe", ""); code != http.StatusOK {
			t.Fatalf("%d %s", code, body)
		}
	}
	if state := r.state("a"); state != "UNHEALTHY" {
		t.Fatalf("state %s", state)
	}
	_, before := r.get("/api/v1/targets/a/history")
	r.end()

	r = start(t, Options{StoragePath: dir})
	if state := r.state("a"); state != "UNHEALTHY" {
		t.Errorf("after the restart: state %s", state)
	}
	_, after := r.get("/api/v1/targets/a/history")
	if transitions(t, before) != transitions(t, after) {
		t.Errorf("transitions before %s, after %s", before, after)
	}
	_, page := r.get("/metrics")
	for _, want := range []string{
		`health_target_state{target="a",state="unhealthy"} 1`, `health_target_probes_total{target="a",result="pass"} 0`,
		"health_exporter_config_last_reload_successful 1",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

func TestStatesOfTheFileSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "c.yml")
	url, broken := switchable(t)
	broken.Store(true)
	target := fmt.Sprintf("{app: a, url: %q, interval: 1d, initial_delay: 1d, healthy: 1}", url)
	write(t, file, "targets: ["+target+"]")
	opts := Options{ConfigFile: file, StoragePath: filepath.Join(dir, "data")}
	r := start(t, opts)
	for range 2 {
		r.post("/api/v1/targets/a/probe", "")
	}
	_, before := r.get("/api/v1/targets/a/history")
	r.end()

	r = start(t, opts)
	_, after := r.get("/api/v1/targets/a/history")
	if state := r.state("a"); state != "UNHEALTHY" || transitions(t, before) != transitions(t, after) {
		t.Errorf("after the restart: state %s, transitions %s, before %s", state, after, before)
	}
	// One that is taken out and comes back is a new one.
	for _, text := range []string{"targets: []", "targets: [" + target + "]"} {
		write(t, file, text)
		if code, body := r.post("/-/reload", ""); code != http.StatusOK {
			t.Fatalf("reloading %q: %d %s", text, code, body)
		}
	}
	if state := r.state("a"); state != "UNKNOWN" {
		t.Errorf("after it was away: state %s", state)
	}
}

func transitions(t *testing.T, history string) string {
	t.Helper()
	var v struct{ Transitions json.RawMessage }
	if err := json.Unmarshal([]byte(history), &v); err != nil {
		t.Fatal(err)
	}
	return string(v.Transitions)
}

func TestReload(t *testing.T) {
	url, _ := switchable(t)
	file := filepath.Join(t.TempDir(), "c.yml")
	target := func(app string) string {
		return fmt.Sprintf("- {app: %s, url: %q, interval: 1s, healthy: 2}\n", app, url)
	}
	write(t, file, "targets:\n"+target("kept")+target("goes"))
	r := start(t, Options{ConfigFile: file})
	r.eventually("healthy", func() bool { return r.state("kept") == "HEALTHY" && r.state("goes") == "HEALTHY" })

	write(t, file, "targets:\n"+target("kept")+"- {app: bad}\nwat: 1\n")
	code, body := r.post("/-/reload", "")
	if code != http.StatusInternalServerError || !strings.Contains(body, "line 3: targets[1].url: is required") || !strings.Contains(body, "wat: unknown key") {
		t.Errorf("a bad file: %d %s", code, body)
	}
	if _, page := r.get("/metrics"); !strings.Contains(page, "health_exporter_config_last_reload_successful 0") ||
		!strings.Contains(page, `health_target_up{target="goes"} 1`) {
		t.Error("a bad file changed something, or its gauge is not 0")
	}

	write(t, file, "targets:\n"+target("kept")+target("comes"))
	if code, body := r.post("/-/reload", ""); code != http.StatusOK {
		t.Fatalf("a good file: %d %s", code, body)
	}
	if state := r.state("kept"); state != "HEALTHY" {
		t.Errorf("the kept target is %s", state)
	}
	if _, page := r.get("/metrics"); strings.Contains(page, `"goes"`) || !strings.Contains(page, "health_exporter_config_last_reload_successful 1") {
		t.Error("the removed target is still on /metrics, or the gauge is not 1")
	}
	r.eventually("healthy", func() bool { return r.state("comes") == "HEALTHY" })
}

func TestModuleTakenAway(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yml")
	write(t, file, "modules: {special: {prober: health}}")
	r := start(t, Options{ConfigFile: file})
	url, _ := switchable(t)
	r.post("/api/v1/targets", fmt.Sprintf(`{"app":"a","url":%q,"module":"special"}`, url))
	write(t, file, "{}")
	if code, body := r.post("/-/reload", ""); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	if _, body := r.get("/api/v1/targets/a"); !strings.Contains(body, `"state":"UNKNOWN"`) || !strings.Contains(body, "no module") {
		t.Errorf("%s", body)
	}
}

func TestAllowListReloads(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yml")
	write(t, file, "")
	r := start(t, Options{ConfigFile: file})
	r.post("/api/v1/targets", `{"app":"a","url":"http://10.0.0.1","email":"me@example.org"}`)
	r.eventually("on /metrics", func() bool {
		_, page := r.get("/metrics")
		return strings.Contains(page, `health_target_info{target="a"`)
	})
	if _, page := r.get("/metrics"); strings.Contains(page, "me@example.org") {
		t.Error("an address outside the allow-list is shown")
	}
	write(t, file, "registration: {allowed_emails: ['@example.org']}")
	r.post("/-/reload", "")
	if _, page := r.get("/metrics"); !strings.Contains(page, `email="me@example.org"`) {
		t.Error("an allowed address is not shown")
	}
}

func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = New(Options{Web: webFlags(l.Addr().String()), Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "the port is taken") || !strings.Contains(err.Error(), "--web.listen-address") {
		t.Errorf("got %v", err)
	}
}

func TestDeletedTargetIsForgotten(t *testing.T) {
	dir := t.TempDir()
	url, broken := switchable(t)
	broken.Store(true)
	r := start(t, Options{StoragePath: dir})
	register := func() { r.post("/api/v1/targets", fmt.Sprintf(`{"app":"a","url":%q}`, url)) }
	register()
	r.post("/api/v1/targets/a/probe", "")
	r.post("/api/v1/targets/a/probe", "")
	req, _ := http.NewRequest(http.MethodDelete, r.url+"/api/v1/targets/a", http.NoBody)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	register()
	if state := r.state("a"); state != "UNKNOWN" {
		t.Errorf("registered anew: state %s", state)
	}
	r.end()
	r = start(t, Options{StoragePath: dir})
	if state := r.state("a"); state != "UNKNOWN" {
		t.Errorf("after a restart: state %s", state)
	}
}

func TestAutoReloadSeesIncludedFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "c.yml")
	write(t, file, "modules_files: ['more-*.yml']")
	r := start(t, Options{ConfigFile: file, AutoReload: 10 * time.Millisecond})
	known := func(module string) bool {
		code, _ := r.get("/probe?target=http://127.0.0.1:1&module=" + module)
		return code == http.StatusOK
	}
	write(t, filepath.Join(dir, "more-1.yml"), "modules: {first: {prober: http, timeout: 3s}}")
	r.eventually("a new file", func() bool { return known("first") })
	write(t, filepath.Join(dir, "more-1.yml"), "modules: {second: {prober: http, timeout: 3s}}")
	r.eventually("a changed file", func() bool { return known("second") && !known("first") })
	if err := os.Remove(filepath.Join(dir, "more-1.yml")); err != nil {
		t.Fatal(err)
	}
	r.eventually("a file that is gone", func() bool { return !known("second") })
}
