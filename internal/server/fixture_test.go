package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/internal/server/access"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// fixture is a server over real parts: a registry in memory, and a schedule.
type fixture struct {
	t         testing.TB
	handler   http.Handler
	registry  *registry.Registry
	scheduler *schedule.Scheduler
	settings  Settings
	from      string // the address that requests come from
	host      string // the name that they are sent to
	ready     error
	reload    error
	checker   *health.Checker
	windows   windows
	checks    *schedule.Scheduler
	history   *history.Store
	journal   *journal.Journal
	deps      Deps
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, from: "127.0.0.1:4321", host: "exporter:10115"}
	var err error
	if f.registry, err = registry.Open(registry.Options{}); err != nil {
		t.Fatal(err)
	}
	if f.history, err = history.Open(history.Options{}); err != nil {
		t.Fatal(err)
	}
	f.journal = journal.New(journal.Options{})
	f.scheduler = schedule.New(schedule.Options{})
	f.checker, f.windows = &health.Checker{}, windows{}
	f.checks = schedule.New(schedule.Options{})
	t.Cleanup(func() { f.checker.Close(context.Background()) })
	if err := f.checker.Add(health.Check{Name: "exporter-ready", PassTTL: -1, FailTTL: -1, Run: func(context.Context) error { return f.ready }}); err != nil {
		t.Fatal(err)
	}
	f.settings = Settings{
		Modules:    map[string]*prober.Module{},
		ConfigText: func() string { return "modules: {}\n" },
		ModuleText: func(string) string { return "prober: http\n" },
		Access: access.Rules{
			Debug: "open",
			Holder: func(secret string) (string, bool) {
				return strings.TrimPrefix(secret, "secret-"), strings.HasPrefix(secret, "secret-")
			},
			Has: func(holder string, right access.Right) bool {
				return right == access.Read || right == access.Write || right == access.Admin && holder == "admin"
			},
		},
		Registration: Registration{
			MaxTargets: 100, MaxTargetsPerOwner: 100,
			AllowsEmail: func(address string) bool { return strings.HasSuffix(address, "@example.org") },
		},
	}
	for _, network := range []string{"127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10"} {
		f.settings.Access.Networks = append(f.settings.Access.Networks, netip.MustParsePrefix(network))
	}
	for module, kind := range map[string]prober.Kind{"health": "health", "http_2xx": "http", "tcp_connect": "tcp", "ws": "websocket"} {
		if f.settings.Modules[module], err = prober.NewModule(prober.ModuleSource{Kind: kind, Text: []byte(module)}); err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	f.deps = Deps{
		Settings: func() *Settings { return &f.settings }, History: f.history, Events: f.journal, Maintenance: f.windows,
		Targets: Targets{Registry: f.registry, Scheduler: f.scheduler, Apply: f.apply},
		Checks: Checks{
			Schedule: f.checks, Checker: func() *health.Checker { return f.checker }, Beat: func(check string) bool { return check == "cron" },
		},
		Exporter: Exporter{
			Version: "1.2.3", Started: time.Now(), Ready: func() error { return f.ready }, Reload: func(context.Context) error { return f.reload },
		},
		AdHoc:   AdHoc{TimeoutOffset: 500 * time.Millisecond, HistoryLimit: 10, UnknownModule: func() {}},
		Metrics: collector.NewPage(f.scheduler, prometheus.NewRegistry(), log), Log: log,
	}
	f.handler = New(f.deps)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { f.scheduler.Run(ctx); close(ended) }()
	t.Cleanup(func() { stop(); <-ended; f.registry.Close(); f.history.Close() })
	return f
}

func (f *fixture) apply() {
	var jobs []schedule.Job
	for _, t := range f.registry.Targets() {
		name := t.Module
		if name == "" {
			name = prober.DefaultModule
		}
		jobs = append(jobs, schedule.Job{Target: t, Module: f.settings.Modules[name], NotBefore: time.Now().Add(time.Hour)})
	}
	f.scheduler.Sync(jobs)
}

// do sends a request; header is a list of names and values.
func (f *fixture) do(method, path, body string, header ...string) *httptest.ResponseRecorder {
	f.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr, r.Host = f.from, f.host
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

func (f *fixture) expect(status int, w *httptest.ResponseRecorder) map[string]any {
	f.t.Helper()
	body := w.Body.String()
	if w.Code != status {
		f.t.Fatalf("status %d, want %d; body %s", w.Code, status, body)
	}
	var decoded map[string]any
	if strings.Contains(w.Header().Get("Content-Type"), "json") && strings.HasPrefix(body, "{") {
		if err := json.Unmarshal([]byte(body), &decoded); err != nil {
			f.t.Fatalf("%s: %s", err, body)
		}
	}
	if status >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
		f.t.Errorf("status %d with content type %q", status, w.Header().Get("Content-Type"))
	}
	return decoded
}

const nas = `{"app": "nas", "url": "http://10.0.0.9:8080/base/", "email": "me@example.org"}`

func toText(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}
