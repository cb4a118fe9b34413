package browser

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// portrayed is a target of the picture.
type portrayed struct {
	app, url, group string
	latency         time.Duration
	status, output  string
	state           health.Verdict
	since           time.Duration // ago
	past            []episode
}

// episode is a time when something was wrong.
type episode struct {
	ago, lasted time.Duration
	state       health.Verdict
	why         string
}

const day = 24 * time.Hour

var household = []portrayed{
	{app: "web shop", url: "https://shop.example.com", group: "shop", latency: 41 * time.Millisecond, past: []episode{
		{ago: 19*time.Hour + 12*time.Minute, lasted: 9 * time.Minute, state: health.Degraded, why: "search answers slowly"},
	}},
	{
		app: "payments", url: "https://pay.example.com/v2", group: "shop", latency: 88 * time.Millisecond, status: "fail",
		output: "the card acquirer does not answer", state: health.Unhealthy, since: 26 * time.Minute, past: []episode{
			{ago: 14 * time.Hour, lasted: 35 * time.Minute, state: health.Degraded, why: "1 of 3 acquirers is away"},
		},
	},
	{app: "stock", url: "https://stock.example.com", group: "shop", latency: 23 * time.Millisecond},
	{
		app: "mail", url: "https://mail.example.com", group: "office", latency: 34 * time.Millisecond, status: "warn",
		output: "412 messages wait to be sent", state: health.Degraded, since: 112 * time.Minute,
	},
	{app: "intranet", url: "http://intranet.example.com", group: "office", latency: 12 * time.Millisecond},
	{app: "backups", url: "http://backup.example.com:8200", group: "office", latency: 19 * time.Millisecond},
	{app: "media centre", url: "http://media.example.net:8096", group: "home", latency: 6 * time.Millisecond, past: []episode{
		{ago: 9*time.Hour + 20*time.Minute, lasted: 48 * time.Minute, state: health.Unhealthy, why: "connect: no route to host"},
	}},
	{app: "nas", url: "http://nas.example.net:5000", group: "home", latency: 3 * time.Millisecond, past: []episode{
		{ago: 4*time.Hour + 40*time.Minute, lasted: 70 * time.Minute, state: health.Degraded, why: "disk 2 is 51 °C warm"},
	}},
	{app: "router", url: "http://router.example.net", group: "home", latency: 2 * time.Millisecond, past: []episode{
		{ago: 6 * day, lasted: 11 * time.Minute, state: health.Unhealthy, why: "no answer within 5 s"},
	}},
}

// TestScreenshot makes the pictures of the README, of an exporter that watches a
// household and a small company: `make screenshot`.
func TestScreenshot(t *testing.T) {
	testneed.Screenshot(t)
	in := startBrowser(t)
	e := startHousehold(t)
	b := openTab(t, in)
	for _, v := range []view{desktop, desktop.in(true)} {
		b.look(v)
		b.visit("http://"+e.Address+"/", http.StatusOK)
		eval[bool](b, `for (const d of document.querySelectorAll("details.group")) d.open = !d.innerText.includes("Checks"); true`)
		b.do(chromedp.EmulateViewport(v.width, eval[int64](b, `Math.round(document.querySelector("#changes").getBoundingClientRect().top) - 12`)))
		picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if len(picture) > 300_000 {
			t.Errorf("the picture has %d bytes, which is too much for a README", len(picture))
		}
		name := map[bool]string{false: "screenshot.png", true: "screenshot-dark.png"}[v.dark]
		if err := os.WriteFile(filepath.Join(artifacts(t), name), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// startHousehold starts the exporter and waits until it has probed for a while.
func startHousehold(t *testing.T) *harness.Exporter {
	t.Helper()
	dir := t.TempDir()
	dsn := filepath.Join(dir, "dsn")
	if err := os.WriteFile(dsn, []byte(filepath.Join(dir, "shop.db")), 0o600); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("modules:\n  health: {prober: health, health: {proxy_url: %q, tls_config: {insecure_skip_verify: true}}}\n", serveHousehold(t))
	config += fmt.Sprintf("checks:\n- {name: disk, kind: disk, path: /, min_free: 1%%, interval: 1s}\n- {name: database, kind: sql, driver: sqlite, dsn_file: %s, interval: 1s}\ntargets:\n", dsn)
	for _, p := range household {
		config += fmt.Sprintf("- {app: %s, url: %q, group: %s, email: me@example.com, interval: 1s, unhealthy: 2, healthy: 2}\n", p.app, p.url, p.group)
	}
	e := startWithPast(t, config, "/", func(dir string, s *history.Store, now time.Time) {
		remember(s, now)
		saveStates(t, dir, now)
	}, "--log.level=error")
	e.MustCall(t, http.MethodPost, "/api/v1/maintenance", map[string]any{"name": "new backup disks", "targets": []string{"backups"}, "duration": 3600}, nil, http.StatusCreated)
	harness.Await(t, 3*harness.StartLimit, "there are 20 probes of each", func() error {
		for _, p := range household {
			var list struct{ Entries []json.RawMessage }
			e.MustCall(t, http.MethodGet, harness.TargetPath(p.app)+"/history?limit=20", nil, &list, http.StatusOK)
			if len(list.Entries) < 20 {
				return fmt.Errorf("%s has %d", p.app, len(list.Entries))
			}
		}
		return nil
	})
	return e
}

// serveHousehold is a proxy behind which the whole household is.
func serveHousehold(t *testing.T) (url string) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, p := range household {
			if host := strings.Split(p.url, "/")[2]; host != r.Host {
				continue
			}
			time.Sleep(p.latency + time.Duration(rand.ExpFloat64()*float64(p.latency)/4))
			body := map[string]any{"status": "pass"}
			if p.status != "" {
				body["status"], body["output"] = p.status, p.output
			}
			w.Header().Set("Content-Type", "application/health+json")
			if p.status == "fail" {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_ = json.NewEncoder(w).Encode(body)
			return
		}
		http.Error(w, "nobody lives at "+r.Host, http.StatusNotFound)
	})
	secure := httptest.NewTLSServer(answer)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			answer(w, r)
			return
		}
		to, err := net.Dial("tcp", secure.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer to.Close()
		w.WriteHeader(http.StatusOK)
		from, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer from.Close()
		go func() { _, _ = io.Copy(to, buffered) }() // ends with the connections
		_, _ = io.Copy(from, to)
	}))
	t.Cleanup(secure.Close)
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// remember writes 40 days of history.
func remember(s *history.Store, now time.Time) {
	for _, p := range household {
		s.Note(p.app, now.Add(-40*day), history.Healthy)
		for _, e := range p.past {
			s.Note(p.app, now.Add(-e.ago), history.Of(e.state, false, false))
			s.Note(p.app, now.Add(-e.ago+e.lasted), history.Healthy)
		}
		if p.since > 0 {
			s.Note(p.app, now.Add(-p.since), history.Of(p.state, false, false))
		}
	}
	for _, check := range []string{"disk", "database"} {
		s.Note(history.CheckSubject(check), now.Add(-40*day), history.Healthy)
	}
}

// saveStates puts the states that the targets are in into the storage.
func saveStates(t *testing.T, dir string, now time.Time) {
	t.Helper()
	r, err := registry.Open(registry.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]*schedule.Saved{}
	for _, p := range household {
		s := &schedule.Saved{State: health.State{Verdict: health.Healthy, Passes: 9, Successes: 9}, Since: now.Add(-38 * day), LastHealthy: now, Place: p.url}
		for _, e := range p.past {
			s.Since = now.Add(-e.ago + e.lasted)
			s.Transitions = append(s.Transitions,
				schedule.Transition{Time: now.Add(-e.ago), From: health.Healthy, To: e.state, Reason: e.why},
				schedule.Transition{Time: s.Since, From: e.state, To: health.Healthy})
		}
		if p.since > 0 {
			s.Since = now.Add(-p.since)
			s.State, s.LastHealthy = health.State{Verdict: p.state}, s.Since
			s.Transitions = append(s.Transitions, schedule.Transition{Time: s.Since, From: health.Healthy, To: p.state, Reason: p.output})
		}
		states[p.app] = s
	}
	if err := r.Save(states); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
