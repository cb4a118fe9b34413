package server

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestProbeTimeout has blackbox_exporter's own cases.
func TestProbeTimeout(t *testing.T) {
	for _, test := range []struct {
		module, offset float64
		header         string
		want           float64
	}{
		{0, .5, "15", 14.5}, {20, .5, "15", 14.5}, {5, .5, "15", 5}, {10, .5, "", 10}, {10, .5, "10", 9.5},
		{9.5, 1, "", 9.5}, {0, .5, "", 119.5}, {0, 0, "", 120},
		{0, .5, "0.3", 0}, {0, .5, "0.5", 0}, {1, .5, "0.3", 1}, {1, .5, "0.5", 0}, {0, .5, "-1", 0},
	} {
		second := float64(time.Second)
		got, err := probeTimeout(test.header, time.Duration(test.module*second), time.Duration(test.offset*second))
		if err != nil || got.Seconds() != test.want {
			t.Errorf("module %v, header %q, offset %v: %v, %v, want %v s", test.module, test.header, test.offset, got, err, test.want)
		}
	}
	if _, err := probeTimeout("soon", 0, 0); err == nil {
		t.Error("a header that is no number was accepted")
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
