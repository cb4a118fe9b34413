package browser

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// startWithPast starts the program below a path, with a past in its storage.
func startWithPast(t *testing.T, config, path string, past func(dir string, s *history.Store, now time.Time), args ...string) *harness.Exporter {
	t.Helper()
	dir := t.TempDir()
	host := testport.Reserve(t)
	e := &harness.Exporter{Owner: t, Address: host + strings.TrimSuffix(path, "/"), Dir: dir}
	file, data := filepath.Join(dir, "health_exporter.yml"), filepath.Join(dir, "data")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	clock := now.Add(-40 * 24 * time.Hour)
	store, err := history.OpenAt(history.Options{Path: data}, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	clock = now
	past(data, store, now)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	e.Args = append([]string{
		"--web.listen-address=" + host, "--web.route-prefix=" + path, "--storage.path=" + data, "--config.file=" + file,
	}, args...)
	e.Start(t)
	return e
}

// ordinaryPast gives everybody 40 days with some bad hours.
func ordinaryPast(apps ...string) func(string, *history.Store, time.Time) {
	return func(_ string, s *history.Store, now time.Time) {
		for i, app := range apps {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			at := now.Add(-40 * 24 * time.Hour)
			for at.Before(now) {
				s.Note(app, at, history.Healthy)
				at = at.Add(time.Duration(10+r.IntN(100)) * time.Hour)
				s.Note(app, at, []history.State{history.Unhealthy, history.Degraded, history.Unknown, history.Healthy | history.Maintenance}[r.IntN(4)])
				at = at.Add(time.Duration(1+r.IntN(40)) * time.Minute)
			}
		}
	}
}

// watched answers as the targets of the tests do, by path: /pass, /warn, /fail, /evil.
func watched(t *testing.T) (plain, secure string) {
	t.Helper()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]any{"status": strings.Split(r.URL.Path+"//", "/")[1]}
		w.Header().Set("Content-Type", "application/health+json")
		switch {
		case answer["status"] == "fail":
			answer["output"] = "the database does not answer"
			w.WriteHeader(http.StatusServiceUnavailable)
		case answer["status"] == "evil":
			answer["status"], answer["output"], answer["version"] = "fail", hostile, hostile
			answer["notes"] = []string{hostile}
			answer["checks"] = map[string]any{"x:" + hostile: []any{map[string]any{"status": "fail", "output": hostile, "observedUnit": hostile, "observedValue": 1}}}
			w.Header().Set("X-Evil", `"><script>alert(6)</script>`)
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
	p, s := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	t.Cleanup(p.Close)
	t.Cleanup(s.Close)
	return p.URL, s.URL
}

// hostile is text that runs, or breaks out of where it stands, unless it is escaped;
// hostileName is the same without what a name may not have.
const (
	hostile     = `"><script>alert(1)</script>'><img src=x onerror=alert(2)>{{.}}</title></style></pre><svg onload=alert(3)>javascript:alert(4)`
	hostileName = `"><img src=x onerror=alert(5)>'onmouseover=alert(6) {{.}}<b>&lt;`
)

// quoted is a text as YAML has it between double quotes.
func quoted(s string) string {
	b, _ := json.Marshal(s) // a string always works, and JSON is YAML
	return string(b)
}

const prefix = "/watch/"

// startFew starts an exporter with targets in all states, below a prefix, and with
// hostile text wherever anybody may put some (an e-mail address may have none).
func startFew(t *testing.T) *harness.Exporter {
	t.Helper()
	plain, secure := watched(t)
	config := fmt.Sprintf(`
modules:
  tls: {prober: http, http: {tls_config: {insecure_skip_verify: true}}}
targets:
- {app: media centre, url: %[1]s/pass, group: home, labels: {room: attic}, email: me@example.org, interval: 1d, unhealthy: 1, healthy: 1}
- {app: shop, url: %[1]s/fail, group: company, email: ops@example.org, interval: 1d, unhealthy: 1, healthy: 1}
- {app: mail, url: %[1]s/warn, group: company, interval: 1d, unhealthy: 1, healthy: 1}
- {app: certified, url: %[2]s/pass, module: tls, group: company, interval: 1d, unhealthy: 1, healthy: 1}
- {app: nas, url: %[1]s/pass, group: home, interval: 1d, unhealthy: 1, healthy: 1}
- {app: backup, url: %[1]s/pass, group: home, interval: 1d, unhealthy: 1, healthy: 1}
- {app: newcomer, url: %[1]s/pass, interval: 1d, unhealthy: 1, healthy: 100, depends_on: [nas]}
- {app: a very-long-name-without-any-place-to-break-it-that-goes-on-and-on-and-on-until-it-has-a-hundred-characters, url: "%[1]s/pass/%[4]s", group: home, interval: 1d, unhealthy: 1, healthy: 1}
- {app: %[3]s, url: "%[1]s/evil/%%22%%3E%%3Cscript%%3E", group: %[5]s, labels: {evil: %[5]s}, email: evil@example.org, interval: 1d, unhealthy: 1, healthy: 1}
checks:
- {name: memory, kind: memory, min_free: 1%%, interval: 1d, healthy: 1, unhealthy: 1}
- {name: %[3]s, kind: exec, command: [echo, %[5]s], interval: 1d, healthy: 1, unhealthy: 1}
- {name: "job <script>alert(8)<\u2215script>", kind: exec, command: [sh, -c, %[6]s], interval: 1d, healthy: 1, unhealthy: 1}
public: {title: %[5]s, targets: ["*"], checks: ["*"]}
`, plain, secure, quoted(hostileName), strings.Repeat("long", 40), quoted(hostile), quoted(`echo '<script>alert(9)</script>'; exit 2`))
	e := startWithPast(t, config, prefix, ordinaryPast("media centre", "shop", "mail", "certified", "nas", "backup", hostileName, "check:memory"))
	awaitJudged(t, e, 12, "newcomer")
	e.MustCall(t, http.MethodPost, harness.TargetPath("nas")+"/pause", nil, nil, http.StatusOK)
	e.MustCall(t, http.MethodPost, "/api/v1/maintenance", map[string]any{"name": "moving <script>alert(10)</script>", "targets": []string{"backup"}, "duration": 3600}, nil, http.StatusCreated)
	registered := harness.Registration("registered"+hostileName, plain+"/evil/"+url.PathEscape(`"><script>alert(11)</script>`), "evil@example.org")
	registered["group"], registered["labels"] = hostile, map[string]string{"evil": hostile}
	e.MustCall(t, http.MethodPost, "/api/v1/targets", registered, nil, http.StatusCreated)
	e.ProbeUntil(t, "registered"+hostileName, "UNHEALTHY")
	e.MustCall(t, http.MethodPost, "/api/v1/targets", harness.Registration("short-lived", plain+"/pass", ""), nil, http.StatusCreated)
	for _, target := range []string{plain + "/evil?q=" + url.QueryEscape(hostile), "http://" + hostileName, hostile} {
		resp, err := harness.Client.Get("http://" + e.Address + "/probe?module=http_2xx&target=" + url.QueryEscape(target))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	return e
}

// awaitJudged waits until so many targets, and those all but a few, have a state.
func awaitJudged(t *testing.T, e *harness.Exporter, n int, except ...string) {
	t.Helper()
	harness.Await(t, 3*harness.StartLimit, fmt.Sprintf("%d targets have a state", n), func() error {
		var o struct {
			Counts map[string]int `json:"counts"`
		}
		req, err := http.NewRequest(http.MethodGet, "http://"+e.Address+"/", nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept", "application/json")
		resp, err := harness.Client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&o); err != nil {
			return err
		}
		total := 0
		for _, n := range o.Counts {
			total += n
		}
		if total < n || o.Counts["unknown"] > len(except) {
			return fmt.Errorf("%v", o.Counts)
		}
		return nil
	})
}

// startMany starts an exporter with n targets in ten groups, some of them ill.
func startMany(t *testing.T, n int) *harness.Exporter {
	t.Helper()
	plain, _ := watched(t)
	var config strings.Builder
	config.WriteString("targets:\n")
	apps := make([]string, n)
	for i := range apps {
		apps[i] = fmt.Sprintf("app-%05d", i)
		state := "pass"
		switch {
		case i%97 == 3:
			state = "fail"
		case i%53 == 4:
			state = "warn"
		}
		fmt.Fprintf(&config, "- {app: %s, url: %s/%s, group: group %d, interval: 1d, unhealthy: 1, healthy: 1}\n", apps[i], plain, state, i%10)
	}
	e := startWithPast(t, config.String(), "/", ordinaryPast(apps...))
	awaitJudged(t, e, n)
	return e
}
