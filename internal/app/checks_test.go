package app

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func (r *running) hasMetric(line string) func() bool {
	return func() bool {
		_, page := r.get("/metrics")
		return strings.Contains(page, line+"\n")
	}
}

func TestChecks(t *testing.T) {
	dir := t.TempDir()
	file, flag := filepath.Join(dir, "c.yml"), filepath.Join(dir, "flag")
	check := fmt.Sprintf("{name: flag, kind: file, path: %s, interval: 1s, healthy: 1, unhealthy: 2}", flag)
	beat := "{name: backup, kind: heartbeat, every: 1h, interval: 1s, healthy: 1}"
	write(t, file, "checks: ["+check+", "+beat+", {name: any, kind: composite, of: [flag, backup], need: any, interval: 1s, healthy: 1}]")
	r := start(t, Options{ConfigFile: file, StoragePath: filepath.Join(dir, "data")})

	r.eventually("unhealthy", r.hasMetric(`health_check_state{check="flag",state="unhealthy"} 1`))
	r.eventually("made of others", r.hasMetric(`health_check_state{check="any",state="healthy"} 1`))
	for path, want := range map[string]string{
		"/healthcheck":            `"checker":"flag","output":"no file: `,
		"/healthcheck?check=flag": `"passed":false`,
		"/health":                 `"status":"fail"`,
		"/healthz/flag":           `{"status":503,"title":"no file: `,
	} {
		if _, body := r.get(path); !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/startupz", "/healthz/ready", "/-/ready"} {
		if code, body := r.get(path); code != http.StatusOK {
			t.Errorf("%s: a failing check of the configuration makes the exporter itself %d: %s", path, code, body)
		}
	}

	if code, body := r.post("/api/v1/beat/backup", ""); code != http.StatusNoContent {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := r.post("/api/v1/beat/flag", ""); code != http.StatusNotFound {
		t.Errorf("a beat for a check of another kind: %d", code)
	}
	r.eventually("healthy by its beat", r.hasMetric(`health_check_state{check="backup",state="healthy"} 1`))

	// A reload keeps the beats and states of what has not changed.
	write(t, file, "checks: ["+check+", "+beat+", {name: new, kind: file, path: "+file+", interval: 1s, healthy: 1}]")
	if code, body := r.post("/-/reload", ""); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	if !r.hasMetric(`health_check_state{check="flag",state="unhealthy"} 1`)() || r.hasMetric(`health_check_up{check="any"} 1`)() {
		t.Error("a state was lost, or a removed check is still there")
	}
	r.eventually("there", r.hasMetric(`health_check_state{check="new",state="healthy"} 1`))
	if _, body := r.get("/healthz/backup"); body != `{"status":200,"title":"OK"}` {
		t.Errorf("the beat was lost: %s", body)
	}

	// So does a restart.
	r.end()
	r = start(t, Options{ConfigFile: file, StoragePath: filepath.Join(dir, "data")})
	if !r.hasMetric(`health_check_state{check="flag",state="unhealthy"} 1`)() {
		t.Error("the state did not survive a restart")
	}
	write(t, flag, "")
	r.eventually("healthy", r.hasMetric(`health_check_state{check="flag",state="healthy"} 1`))
}

// TestExpires: how long a result serves those who ask is the check's to say, not its
// interval's.
func TestExpires(t *testing.T) {
	dir := t.TempDir()
	file, there := filepath.Join(dir, "c.yml"), filepath.Join(dir, "there")
	write(t, there, "")
	check := func(name, path, more string) string {
		return fmt.Sprintf("{name: %s, kind: file, path: %s, interval: 1h%s}", name, path, more)
	}
	write(t, file, "checks: ["+check("passes", there, "")+", "+check("fails", there+"-not", "")+", "+
		check("own", there, ", success_ttl: 1m, failed_ttl: 2m")+", "+check("own-fails", there+"-not", ", success_ttl: 1m, failed_ttl: 0s")+"]")
	r := start(t, Options{ConfigFile: file})
	_, body := r.get("/healthcheck")
	var answer struct {
		Results []struct {
			Checker            string
			Timestamp, Expires float64
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"passes": 27, "fails": 9, "own": 60, "own-fails": 0,
		"exporter-ready": 27, "exporter-storage": 27, "exporter-notifications": 27,
	}
	for _, result := range answer.Results {
		seconds, ok := want[result.Checker]
		if got := result.Expires - result.Timestamp; ok && math.Abs(got-seconds) > 1e-5 {
			t.Errorf("%s expires after %g s, want %g", result.Checker, got, seconds)
		}
		delete(want, result.Checker)
	}
	if len(want) > 0 {
		t.Errorf("not there: %v in %s", want, body)
	}
}

// TestRunsOfACheckThatIsAskedFor: however many ask, and however long its interval is, a check
// is run again once its result has expired, and not before; one without a time to live for
// each who asks.
func TestRunsOfACheckThatIsAskedFor(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "c.yml")
	check := func(name, more string) string {
		return fmt.Sprintf("{name: %s, kind: exec, command: [sh, -c, 'echo x >> %s'], interval: 1h, initial_delay: 1h%s}", name, filepath.Join(dir, name), more)
	}
	write(t, file, "checks: ["+check("usual", "")+", "+check("short", ", success_ttl: 2s")+", "+check("none", ", success_ttl: 0s")+"]")
	r := start(t, Options{ConfigFile: file})
	runs := func(name string) int {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return 0
		}
		return strings.Count(string(text), "\n")
	}
	began := time.Now()
	const rounds = 25
	for range rounds {
		var asking sync.WaitGroup
		for _, path := range []string{"/healthcheck", "/health", "/healthz/usual", "/healthz/short"} {
			asking.Go(func() { r.get(path) })
		}
		asking.Wait()
		time.Sleep(200 * time.Millisecond)
	}
	took := time.Since(began)
	if n, most := runs("usual"), 1+int(took/(27*time.Second)); n < 1 || n > most {
		t.Errorf("the usual one has run %d times in %s, at most %d are right", n, took, most)
	}
	if n, most := runs("short"), 1+int(took/(2*time.Second)); n < 2 || n > most {
		t.Errorf("that of 2 s has run %d times in %s, at most %d are right", n, took, most)
	}
	if n := runs("none"); n < rounds {
		t.Errorf("the one without has run %d times for %d requests", n, rounds)
	}
}

func TestCheckWithoutItsSecret(t *testing.T) {
	dir := t.TempDir()
	file, dsn := filepath.Join(dir, "c.yml"), filepath.Join(dir, "dsn")
	write(t, file, "checks: [{name: db, kind: sql, driver: sqlite, dsn_file: "+dsn+", interval: 1s, healthy: 1}]")
	r := start(t, Options{ConfigFile: file})
	r.eventually("down", r.hasMetric(`health_check_up{check="db"} 0`))
	if _, body := r.get("/healthz/db"); !strings.Contains(body, "reading the DSN") {
		t.Errorf("%s", body)
	}
	write(t, dsn, filepath.Join(dir, "my.db"))
	r.eventually("up once the file is there", r.hasMetric(`health_check_up{check="db"} 1`))
}

func TestEnvironment(t *testing.T) {
	dir := t.TempDir()
	file, token := filepath.Join(dir, "c.yml"), filepath.Join(dir, "token")
	write(t, token, "0123456789abcdef")
	write(t, file, "")
	t.Setenv("MY_PASSWORD", "hunter2")
	r := start(t, Options{ConfigFile: file})
	if code, _ := r.get("/environment"); code != http.StatusNotFound {
		t.Errorf("it is off by default, and answers %d", code)
	}
	write(t, file, "environment: {enabled: true, token_file: "+token+", sections: [process, go]}")
	r.post("/-/reload", "")
	if code, body := r.get("/environment"); code != http.StatusUnauthorized || strings.Contains(body, "process") {
		t.Errorf("without a token: %d %s", code, body)
	}
	req, err := http.NewRequest(http.MethodGet, r.url+"/environment", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer 0123456789abcdef")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text := new(strings.Builder)
	if err := resp.Write(text); err != nil {
		t.Fatal(err)
	}
	body := text.String()
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, `"MY_PASSWORD": "********"`) || strings.Contains(body, "hunter2") || strings.Contains(body, `"os":`) {
		t.Errorf("%s", body)
	}
	if _, err := os.Stat(token); err != nil {
		t.Error(err)
	}
}
