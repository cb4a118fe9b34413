package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/health-exporter/health_exporter/client"
	"github.com/health-exporter/health_exporter/internal/app"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/testport"
)

const (
	registeringDoc = "registering.md"
	readingDoc     = "reading.md"
)

// watcher is an exporter with the configuration of the page, and a service for it to
// probe, in place of those that the page names.
type watcher struct {
	url, service string
}

// The places that the page names.
const (
	namedExporter  = "localhost:10115"
	namedService   = "10.0.0.7:8080"
	namedTokenFile = "/etc/health_exporter/shop.token"
	shopToken      = "0123456789abcdef0123456789abcdef"
)

func startWatcher(t *testing.T) *watcher {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(service.Close)
	w := &watcher{service: strings.TrimPrefix(service.URL, "http://")}

	dir := t.TempDir()
	tokenFile, configFile := filepath.Join(dir, "shop.token"), filepath.Join(dir, "health_exporter.yml")
	configuration := strings.ReplaceAll(strings.Join(codeBlocks(t, registeringDoc, "yaml"), ""), namedTokenFile, tokenFile)
	for file, text := range map[string]string{tokenFile: shopToken + "\n", configFile: configuration} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address := testport.Reserve(t)
	exporter, err := app.New(app.Options{
		ConfigFile: configFile, Log: slog.New(slog.DiscardHandler),
		Web: &web.FlagConfig{WebListenAddresses: &[]string{address}, WebSystemdSocket: new(bool), WebConfigFile: new(string)},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- exporter.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	w.url = "http://" + address
	await(t, "the exporter is ready", func() bool {
		resp, err := http.Get(w.url + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return w
}

// here puts the places of the test in place of those that the page names.
func (w *watcher) here(text string) string {
	return strings.NewReplacer(namedExporter, strings.TrimPrefix(w.url, "http://"), namedService, w.service).Replace(text)
}

// command is a command that knows the exporter as programs do.
func (w *watcher) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), client.URLVariable+"="+w.url, client.TokenVariable+"="+shopToken, "PYTHONUNBUFFERED=1", "no_proxy=*")
	return cmd
}

func (w *watcher) registered(t *testing.T, app string) bool {
	t.Helper()
	resp, err := http.Get(w.url + "/api/v1/targets/" + url.PathEscape(app))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// act makes a request about a target, as the holder of the token, and gives the answer.
func (w *watcher) act(t *testing.T, method, app, action string) (answer string) {
	t.Helper()
	req, err := http.NewRequest(method, w.url+"/api/v1/targets/"+url.PathEscape(app)+action, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+shopToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRegisteringByCurl runs every command line of the page in its order, and
// compares what it prints with what the page says.
func TestRegisteringByCurl(t *testing.T) {
	if ran := runByCurl(t, registeringDoc); ran < 12 {
		t.Errorf("only %d command lines found", ran)
	}
}

// TestReadingByCurl does the same for the page about lists.
func TestReadingByCurl(t *testing.T) {
	if ran := runByCurl(t, readingDoc); ran < 15 {
		t.Errorf("only %d command lines found", ran)
	}
}

func runByCurl(t *testing.T, page string) (ran int) {
	testneed.Program(t, "curl", "curl")
	w := startWatcher(t)
	for _, block := range codeBlocks(t, page, "console") {
		for _, step := range strings.Split("\n"+block, "\n$ ")[1:] {
			line, said, _ := strings.Cut(step, "\n")
			cmd := w.command("sh", "-c", w.here(line))
			got, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s\n%v", line, err)
			}
			if !looksLike(string(got), w.here(said)) {
				t.Fatalf("%s\nprints\n%s\nthe page says\n%s", line, got, said)
			}
			ran++
		}
	}
	return ran
}

// runProgram runs a program of the page until its target can be probed, ends it with
// SIGTERM, and sees that it has unregistered. What is done meanwhile comes before
// the signal.
func (w *watcher) runProgram(t *testing.T, app string, cmd *exec.Cmd, meanwhile ...func()) (exitCode int) {
	t.Helper()
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	kill := func() { _ = cmd.Process.Kill() } // that it has ended already is as well
	t.Cleanup(kill)
	defer time.AfterFunc(30*time.Second, kill).Stop() // one that is killed has not unregistered
	await(t, app+" is registered", func() bool { return w.registered(t, app) })
	if answer := w.act(t, http.MethodPost, app, "/probe"); !strings.Contains(answer, `"result":"pass"`) {
		t.Errorf("the exporter answers %s", answer)
	}
	for _, do := range meanwhile {
		do()
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := <-ended
	t.Logf("%v\n%s", err, &output)
	if w.registered(t, app) {
		t.Error("it has not unregistered")
	}
	return cmd.ProcessState.ExitCode()
}

func TestRegisteringInPython(t *testing.T) {
	python := testneed.Python(t, "python3-requests", "requests")
	program := strings.Join(codeBlocks(t, registeringDoc, "python"), "")
	for _, ttl := range []string{"None", "30"} {
		w := startWatcher(t)
		impatient := strings.NewReplacer("RECHECK = 60", "RECHECK = 0.02", "TTL = None", "TTL = "+ttl).Replace(program)
		looksAfterIt := func() {
			w.act(t, http.MethodPost, "python shop", "/pause")
			time.Sleep(100 * time.Millisecond) // several looks
			if text := w.act(t, http.MethodGet, "python shop", ""); !strings.Contains(text, `"paused":true`) {
				t.Errorf("looking after the registration has resumed it: %s", text)
			}
			if ttl != "None" {
				before := w.leaseEnd(t, "python shop")
				await(t, "the lease is renewed", func() bool { return w.leaseEnd(t, "python shop").After(before) })
			}
			w.act(t, http.MethodDelete, "python shop", "")
			await(t, "it is registered again", func() bool { return w.registered(t, "python shop") })
		}
		if code := w.runProgram(t, "python shop", w.command(python, saved(t, "shop.py", impatient)), looksAfterIt); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
}

func TestRegisteringInGo(t *testing.T) {
	for _, program := range codeBlocks(t, registeringDoc, "go") {
		w := startWatcher(t)
		if code := w.runProgram(t, "go shop", w.command(built(t, program))); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
}

// leaseEnd is when the registration ends unless it is renewed.
func (w *watcher) leaseEnd(t *testing.T, app string) time.Time {
	t.Helper()
	var target struct {
		LeaseExpires time.Time `json:"lease_expires"`
	}
	text := w.act(t, http.MethodGet, app, "")
	if err := json.Unmarshal([]byte(text), &target); err != nil || target.LeaseExpires.IsZero() {
		t.Fatalf("no lease: %v %s", err, text)
	}
	return target.LeaseExpires
}

// scripts are the page's three: the wrapper, and those for cron.
func scripts(t *testing.T) (wrapper, cron, leased string) {
	t.Helper()
	testneed.Program(t, "curl", "curl")
	blocks := codeBlocks(t, registeringDoc, "sh")
	if len(blocks) != 3 {
		t.Fatalf("%d scripts", len(blocks))
	}
	return blocks[0], blocks[1], blocks[2]
}

func TestRegisteringByWrapper(t *testing.T) {
	wrapper, _, _ := scripts(t)
	file := saved(t, "watched", wrapper)
	w := startWatcher(t)
	stopped := w.runProgram(t, "printer", w.command("sh", file, "printer", "http://"+w.service, "sleep", "60"))
	if stopped != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d after SIGTERM, want that of the service", stopped)
	}
	err := w.command("sh", file, "crashing", "http://"+w.service, "sh", "-c", "sleep 0.3; exit 7").Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 7 {
		t.Errorf("%v, want the service's exit code 7", err)
	}
	if !w.registered(t, "crashing") {
		t.Error("a service that has crashed was unregistered")
	}
}

func TestRegisteringFromCron(t *testing.T) {
	_, cron, _ := scripts(t)
	testFromCron(t, "office-printer", cron)
}

func TestLeaseFromCron(t *testing.T) {
	_, _, leased := scripts(t)
	w := testFromCron(t, "attic-pi", leased)
	before := w.leaseEnd(t, "attic-pi")
	if out, err := w.command("sh", saved(t, "keep-leased", w.here(leased))).CombinedOutput(); err != nil || !w.leaseEnd(t, "attic-pi").After(before) {
		t.Errorf("the lease was not renewed: %v %s", err, out)
	}
}

func testFromCron(t *testing.T, app, script string) *watcher {
	t.Helper()
	w := startWatcher(t)
	file := saved(t, "from-cron", w.here(script))
	run := func() {
		if out, err := w.command("sh", file).CombinedOutput(); err != nil || len(out) > 0 {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	run()
	if !w.registered(t, app) {
		t.Error("not registered")
	}
	w.act(t, http.MethodPost, app, "/pause")
	run() // must not resume it
	if text := w.act(t, http.MethodGet, app, ""); !strings.Contains(text, `"paused":true`) {
		t.Errorf("running it again has resumed the target: %s", text)
	}
	if answer := w.act(t, http.MethodPost, app, "/resume"); !strings.Contains(answer, `"paused":false`) {
		t.Error(answer)
	}
	if answer := w.act(t, http.MethodPost, app, "/probe"); !strings.Contains(answer, `"result":"pass"`) {
		t.Error(answer)
	}
	return w
}
