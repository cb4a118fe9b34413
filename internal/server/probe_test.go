package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// TestProbeTimeout has blackbox_exporter's own cases.
func TestProbeTimeout(t *testing.T) {
	for _, test := range []struct {
		module, offset float64
		header         string
		want           float64
	}{
		{0, .5, "15", 14.5},
		{20, .5, "15", 14.5},
		{5, .5, "15", 5},
		{10, .5, "", 10},
		{10, .5, "10", 9.5},
		{9.5, 1, "", 9.5},
		{0, .5, "", 119.5},
		{0, 0, "", 120},
		{0, .5, "0.3", 0},
		{0, .5, "0.5", 0},
		{1, .5, "0.3", 1},
		{1, .5, "0.5", 0},
		{0, .5, "-1", 0},
		{0, .5, "0.6", 0.09999999999999998},
		{5, .5, "inf", 5},
		{0, .5, "inf", 120},
		{300, .5, "+Inf", 120},
		{0, .5, "1e300", 120},
		{0, .5, "1e308", 120},
		{0, .5, "1e400", 120},
		{5, .5, "1e400", 5},
		{0, .5, "1e19", 120},
		{0, .5, "-inf", 0},
		{5, .5, "-1e400", 5},
		{0, .5, "9e9", 120},
		{0, .5, "1e8", 120},
		{0, 0, "120.1", 120},
		{300, .5, "200", 120},
		{300, .5, "-1", 120},
	} {
		second := float64(time.Second)
		got, err := probeTimeout(test.header, time.Duration(test.module*second), time.Duration(test.offset*second))
		if err != nil || got != test.want {
			t.Errorf("module %v, header %q, offset %v: %v, %v, want %v s", test.module, test.header, test.offset, got, err, test.want)
		}
	}
	for _, header := range []string{"soon", "nan", "NaN", "1s", " "} {
		if got, err := probeTimeout(header, 5*time.Second, 0); err == nil {
			t.Errorf("%q, which is not a number, was taken for %v s", header, got)
		}
	}
}

func TestProbe(t *testing.T) {
	f := newFixture(t)
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer good.Close()
	target := func(path string) string { return url.QueryEscape(good.URL + path) }
	for _, test := range []struct {
		name, query, header string
		status              int
		want                string
	}{
		{"good", "target=" + target("/"), "", 200, "\nprobe_success 1\n"},
		{"status 500 is a good answer", "target=" + target("/bad"), "", 200, "\nprobe_success 0\n"},
		{"refused address", "target=169.254.169.254", "", 200, "\nprobe_success 0\n"},
		{"health module", "module=health&target=" + target("/"), "", 200, "\nprobe_success 1\n"},
		{"unknown module", "module=m&target=" + target("/"), "", 400, "Unknown module \"m\"\n"},
		{"no target", "", "", 400, "Target parameter is missing\n"},
		{"bad timeout", "", "soon", 500, "Failed to parse timeout"},
		{"timeout that is not a number", "target=" + target("/"), "NaN", 500, "Failed to parse timeout"},
		{"timeout without end", "target=" + target("/"), "1e308", 200, "\nprobe_success 1\n"},
		{"module before timeout", "module=m", "soon", 400, "Unknown module"},
		{"no time", "target=" + target("/"), "0.5", 200, "\nprobe_success 0\n"},
		{"timeout shown", "target=" + target("/"), "3", 200, "\nprobe_timeout_seconds 2.5\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := f.do("GET", "/probe?"+test.query, "", "X-Prometheus-Scrape-Timeout-Seconds", test.header)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	if len(f.scheduler.Snapshot()) != 0 || len(f.registry.Targets()) != 0 {
		t.Error("an ad-hoc probe left something behind")
	}
}

func TestProbeDebugAndLogs(t *testing.T) {
	f := newFixture(t)
	refused := "127.0.0.1:1"
	w := f.do("GET", "/probe?debug=true&target="+refused, "")
	for _, want := range []string{
		"Logs for the probe:\n", "Probe failed", "module=http_2xx", "target=" + refused, "reason=connect",
		"\nMetrics that would have been returned:\n", "\nprobe_success 0\n", `probe_failure_info{reason="connect"`,
		"\nModule configuration:\nprober: http",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("debug page lacks %q:\n%s", want, w.Body)
		}
	}
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d %s", w.Code, w.Header().Get("Content-Type"))
	}
	for _, test := range []struct {
		query  string
		status int
	}{
		{"", 400},
		{"?id=0&target=x", 400},
		{"?id=x", 400},
		{"?id=99", 404},
		{"?target=nowhere", 404},
		{"?module=http_2xx", 400},
		{"?id=0", 200},
		{"?target=" + refused, 200},
		{"?target=" + refused + "&module=http_2xx", 200},
		{"?target=" + refused + "&module=health", 404},
	} {
		if w := f.do("GET", "/logs"+test.query, ""); w.Code != test.status {
			t.Errorf("/logs%s: status %d, want %d", test.query, w.Code, test.status)
		}
	}
}

// TestModuleOfAnOldProbe is shown as it was when the probe was made.
func TestModuleOfAnOldProbe(t *testing.T) {
	f := newFixture(t)
	f.do("GET", "/probe?target=127.0.0.1:1", "")
	f.settings.ModuleText = func(string) string { return "prober: tcp\n" }
	if w := f.do("GET", "/logs?id=0", ""); !strings.Contains(w.Body.String(), "Module configuration:\nprober: http") {
		t.Errorf("after a reload:\n%s", w.Body)
	}
	if w := f.do("GET", "/probe?debug=true&target=127.0.0.1:1", ""); !strings.Contains(w.Body.String(), "Module configuration:\nprober: tcp") {
		t.Errorf("of a new probe:\n%s", w.Body)
	}
}

func TestDecodedAgain(t *testing.T) {
	for target, want := range map[string]string{
		"http://x/a%2Bb": "http://x/a%2Bb", "http%3A%2F%2Fx%2Fy": "http://x/y", "x.org%3A443": "x.org:443",
		"a+b": "a+b", "100%": "100%", "a%20b": "a%20b",
	} {
		if got := decodedAgain(target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestConfigPage(t *testing.T) {
	f := newFixture(t)
	if w := f.do("GET", "/config", ""); w.Code != 200 || w.Body.String() != "modules: {}\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func BenchmarkProbeWithoutIO(b *testing.B) {
	f := newFixture(b)
	f.settings.Modules["func"] = prober.FuncModule("func", 0, func(context.Context) prober.Result {
		return prober.Result{Outcome: health.Pass, Samples: make([]prober.Sample, 0, 4)}
	})
	r := httptest.NewRequest(http.MethodGet, "/probe?module=func&target=x", nil)
	b.ReportAllocs()
	for b.Loop() {
		f.handler.ServeHTTP(httptest.NewRecorder(), r)
	}
}
