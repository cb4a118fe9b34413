package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/testport"
)

// exporter is the program under test. It can be stopped and started again, with
// the same address and storage.
type exporter struct {
	*process
	owner   *testing.T // until its end the program may run
	address string
	dir     string
	args    []string
}

// startExporter starts the program with a configuration file, in a directory of
// its own.
func startExporter(t *testing.T, config string) *exporter {
	t.Helper()
	dir := t.TempDir()
	e := &exporter{owner: t, address: testport.Reserve(t), dir: dir}
	file := filepath.Join(dir, "health_exporter.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	e.args = []string{
		"--web.listen-address=" + e.address,
		"--storage.path=" + filepath.Join(dir, "data"),
		"--config.file=" + file,
		"--no-zeroconf",
	}
	e.start(t)
	return e
}

// start may be called by a subtest; the program goes on after its end.
func (e *exporter) start(t *testing.T) {
	t.Helper()
	cmd := exec.Command(exporterProgram, e.args...)
	cmd.Dir = e.dir
	e.process = start(e.owner, "health_exporter", cmd)
	e.awaitReady(t, "http://"+e.address+"/-/ready")
}

// call makes a request of the API and decodes the answer.
func (e *exporter) call(method, path string, body, into any) (int, error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		content = bytes.NewReader(encoded)
	}
	req, err := http.NewRequest(method, "http://"+e.address+path, content)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := apiClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode >= 400 {
		return resp.StatusCode, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			return resp.StatusCode, fmt.Errorf("%s %s: %w in %q", method, path, err, answer)
		}
	}
	return resp.StatusCode, nil
}

// apiClient makes a new connection for each request: the exporter it had one to
// may have been killed.
var apiClient = &http.Client{
	Timeout:   10 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// mustCall is call that fails the test unless the status is the wanted one.
func (e *exporter) mustCall(t *testing.T, method, path string, body, into any, want int) {
	t.Helper()
	if got, err := e.call(method, path, body, into); err != nil || got != want {
		t.Fatalf("%s %s: status %d, want %d; %v", method, path, got, want, err)
	}
}

func targetPath(app string) string { return "/api/v1/targets/" + url.PathEscape(app) }

// registration is the body of a registration. It is probed when the test says so:
// the interval is the longest there is.
func registration(app, url, email string) map[string]any {
	return map[string]any{
		"app": app, "url": url, "email": email,
		"interval": 300, "timeout": 2, "unhealthy": 2, "healthy": 2, "initial_delay": 300,
	}
}

func (e *exporter) state(t *testing.T, app string) string {
	t.Helper()
	var target struct{ State string }
	e.mustCall(t, http.MethodGet, targetPath(app), nil, &target, http.StatusOK)
	return target.State
}

// probeUntil has the target probed until it is in the wanted state.
func (e *exporter) probeUntil(t *testing.T, app, want string) {
	t.Helper()
	await(t, startLimit, app+" is "+want, func() error {
		e.mustCall(t, http.MethodPost, targetPath(app)+"/probe", nil, nil, http.StatusOK)
		if got := e.state(t, app); got != want {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
}

// metrics returns the page of metrics.
func (e *exporter) metrics(t *testing.T) string {
	t.Helper()
	return get(t, "http://"+e.address+"/metrics")
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := apiClient.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v", url, resp.Status, err)
	}
	return string(page)
}
