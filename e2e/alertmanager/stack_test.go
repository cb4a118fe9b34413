package alertmanager

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// stack is everything between the exporter and a mailbox.
type stack struct {
	exporter   *harness.Exporter
	mailbox    *harness.Mailbox
	prometheus string           // base URL
	evaluator  *harness.Process // Prometheus itself
	evaluating *exec.Cmd        // how it was started
	flag       string           // the file that the exporter's check "flag" looks for
	watchdogs  atomic.Int64     // messages to the dead man's receiver
}

// startStack runs the exporter, Prometheus, Alertmanager and an SMTP server.
func startStack(t *testing.T) *stack {
	t.Helper()
	return startStackOf(t, `registration: {allowed_emails: ["@example.org"]}`, time.Second)
}

// startStackOf is startStack with a configuration of the exporter, to which its check
// is added, and how often that runs. The rules, templates and examples are the shipped
// ones. Addresses and times are all that is changed in the examples.
func startStackOf(t *testing.T, config string, interval time.Duration) *stack {
	t.Helper()
	prometheusProgram := testneed.Program(t, "prometheus", "prometheus")
	alertmanagerProgram := testneed.Program(t, "prometheus-alertmanager", "alertmanager", "prometheus-alertmanager")

	s := &stack{mailbox: harness.StartMailbox(t)}
	deadman := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.watchdogs.Add(1) }))
	t.Cleanup(deadman.Close)
	s.flag = filepath.Join(t.TempDir(), "flag")
	raise(t, s.flag)
	s.exporter = harness.StartExporter(t, fmt.Sprintf(`%s
checks: [{name: flag, kind: file, path: %q, interval: %s, unhealthy: 2, healthy: 2}]
`, config, s.flag, interval))

	dir := t.TempDir()
	if out, err := exec.Command(harness.Program(), "rules", "--dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("writing the rules: %v\n%s", err, out)
	}

	alertmanager := testport.Reserve(t)
	harness.Example(t, dir, "alertmanager.yml",
		"mail.example.org:587", s.mailbox.Address,
		"https://deadman.example.org/ping/health_exporter", deadman.URL,
		// Half a second away from the evaluations, as 10s are 5s away from those at 15s: what
		// is flushed while one state has begun and the other not ended yet counts as told
		// of both, and the return of the older one would not be mailed.
		"group_wait: 10s", "group_wait: 1500ms",
		"group_interval: 1m ", "group_interval: 2s ",
		"group_interval: 30s", "group_interval: 2s",
		"repeat_interval: 30s", "repeat_interval: 2s",
	)
	cmd := exec.Command(alertmanagerProgram, "--config.file=alertmanager.yml", "--web.listen-address="+alertmanager,
		"--cluster.listen-address=", "--storage.path="+t.TempDir())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+s.mailbox.CAFile)
	harness.Start(t, "alertmanager", cmd).AwaitReady(t, "http://"+alertmanager+"/-/ready")

	prometheus := testport.Reserve(t)
	s.prometheus = "http://" + prometheus
	harness.Example(t, dir, "prometheus.yml",
		"localhost:10115", s.exporter.Address,
		"localhost:9093", alertmanager,
		"scrape_interval: 15s", "scrape_interval: 1s",
		"evaluation_interval: 15s", "evaluation_interval: 1s",
	)
	cmd = exec.Command(prometheusProgram, "--config.file=prometheus.yml", "--web.listen-address="+prometheus,
		"--storage.tsdb.path="+t.TempDir())
	cmd.Dir = dir
	s.evaluating = cmd
	s.startPrometheus(t)
	return s
}

// startPrometheus starts it, again with the same address and storage if it was killed,
// and waits until it has evaluated the rules with what it has scraped.
func (s *stack) startPrometheus(t *testing.T) {
	t.Helper()
	cmd := exec.Command(s.evaluating.Path, s.evaluating.Args[1:]...)
	cmd.Dir = s.evaluating.Dir
	s.evaluator = harness.Start(t, "prometheus", cmd)
	s.evaluator.AwaitReady(t, s.prometheus+"/-/ready")
	s.awaitUp(t, "1")
}

// query returns the values that Prometheus has for an expression.
func (s *stack) query(expr string) ([]string, error) {
	resp, err := harness.Client.Get(s.prometheus + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("query %s: %s", expr, answer.Error)
	}
	var values []string
	for _, r := range answer.Data.Result {
		values = append(values, fmt.Sprint(r.Value[1]))
	}
	return values, nil
}

// awaitValue waits until an expression has the value and no other.
func (s *stack) awaitValue(t *testing.T, expr, want string) {
	t.Helper()
	harness.Await(t, harness.StartLimit, expr+" is "+want, func() error {
		got, err := s.query(expr)
		if err != nil || len(got) != 1 || got[0] != want {
			return fmt.Errorf("it is %q, %w", got, err)
		}
		return nil
	})
}

// awaitUp waits until Prometheus knows whether the exporter is up, and has
// evaluated the rules with that.
func (s *stack) awaitUp(t *testing.T, want string) {
	t.Helper()
	s.awaitValue(t, `up{job="health_exporter"}`, want)
	s.awaitEvaluations(t, 2)
}

// awaitEvaluations waits until the rules have been evaluated n more times.
func (s *stack) awaitEvaluations(t *testing.T, n int) {
	t.Helper()
	begin := time.Now()
	harness.Await(t, harness.StartLimit, "the rules are evaluated", func() error {
		// The group's last evaluation is that of Watchdog's sample.
		got, err := s.query(`timestamp(ALERTS{alertname="Watchdog"})`)
		if err != nil || len(got) != 1 {
			return fmt.Errorf("%q, %w", got, err)
		}
		var at float64
		if _, err := fmt.Sscan(got[0], &at); err != nil {
			return err
		}
		if at < float64(begin.UnixMilli())/1000+float64(n-1) {
			return fmt.Errorf("last evaluated at %s", got[0])
		}
		return nil
	})
}
