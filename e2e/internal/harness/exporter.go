package harness

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

// Exporter is the program under test. It can be stopped and started again, with
// the same address and storage.
type Exporter struct {
	*Process
	Owner   *testing.T // until its end the program may run
	Address string
	Dir     string
	Args    []string
}

// StartExporter starts the program with a configuration file, in a directory of
// its own.
func StartExporter(t *testing.T, config string) *Exporter {
	t.Helper()
	dir := t.TempDir()
	e := &Exporter{Owner: t, Address: testport.Reserve(t), Dir: dir}
	file := filepath.Join(dir, "health_exporter.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	e.Args = []string{
		"--web.listen-address=" + e.Address,
		"--storage.path=" + filepath.Join(dir, "data"),
		"--config.file=" + file,
		"--no-zeroconf",
	}
	e.Start(t)
	return e
}

// Start may be called by a subtest; the program goes on after its end.
func (e *Exporter) Start(t *testing.T) {
	t.Helper()
	cmd := exec.Command(exporterProgram, e.Args...)
	cmd.Dir = e.Dir
	e.Process = Start(e.Owner, "health_exporter", cmd)
	e.AwaitReady(t, "http://"+e.Address+"/-/ready")
}

// Call makes a request of the API and decodes the answer.
func (e *Exporter) Call(method, path string, body, into any) (int, error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		content = bytes.NewReader(encoded)
	}
	req, err := http.NewRequest(method, "http://"+e.Address+path, content)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := Client.Do(req)
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

// Client makes a new connection for each request: the exporter it had one to
// may have been killed.
var Client = &http.Client{
	Timeout:   10 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// MustCall is call that fails the test unless the status is the wanted one.
func (e *Exporter) MustCall(t *testing.T, method, path string, body, into any, want int) {
	t.Helper()
	if got, err := e.Call(method, path, body, into); err != nil || got != want {
		t.Fatalf("%s %s: status %d, want %d; %v", method, path, got, want, err)
	}
}

// TargetPath is the path of a target in the API.
func TargetPath(app string) string { return "/api/v1/targets/" + url.PathEscape(app) }

// Registration is the body of a registration. It is probed when the test says so:
// the interval is the longest there is.
func Registration(app, url, email string) map[string]any {
	return map[string]any{
		"app": app, "url": url, "email": email,
		"interval": 300, "timeout": 2, "unhealthy": 2, "healthy": 2, "initial_delay": 300,
	}
}

// State is the state of a target, as the API has it.
func (e *Exporter) State(t *testing.T, app string) string {
	t.Helper()
	var target struct{ State string }
	e.MustCall(t, http.MethodGet, TargetPath(app), nil, &target, http.StatusOK)
	return target.State
}

// ProbeUntil has the target probed until it is in the wanted state.
func (e *Exporter) ProbeUntil(t *testing.T, app, want string) {
	t.Helper()
	Await(t, StartLimit, app+" is "+want, func() error {
		e.MustCall(t, http.MethodPost, TargetPath(app)+"/probe", nil, nil, http.StatusOK)
		if got := e.State(t, app); got != want {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
}

// Metrics returns the page of metrics.
func (e *Exporter) Metrics(t *testing.T) string {
	t.Helper()
	return Get(t, "http://"+e.Address+"/metrics")
}

// Get returns the page at a URL, which must answer 200.
func Get(t *testing.T, url string) string {
	t.Helper()
	resp, err := Client.Get(url)
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

// Apps returns the names of all targets.
func (e *Exporter) Apps(t *testing.T) map[string]bool {
	t.Helper()
	var list struct{ Targets []struct{ App string } }
	e.MustCall(t, http.MethodGet, "/api/v1/targets", nil, &list, http.StatusOK)
	apps := map[string]bool{}
	for _, target := range list.Targets {
		apps[target.App] = true
	}
	return apps
}
