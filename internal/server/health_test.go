package server

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/health"
)

func TestHealthEndpoints(t *testing.T) {
	f := newFixture(t)
	if err := f.checker.Add(health.Check{Name: "db", Groups: []string{"checks"}, Run: func(context.Context) error {
		return errors.New("the password is secret")
	}}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path string
		code int
		want string
	}{
		{"/healthcheck", 500, `"checker":"db"`},
		{"/healthcheck/", 500, `"checker":"db"`},
		{"/health-check", 500, `"checker":"db"`},
		{"/health-check/", 500, `"checker":"db"`},
		{"/healthcheck?check=exporter-ready", 200, `"passed":true`},
		{"/healthz/db", 503, `"title"`},
		{"/healthz/ready", 200, `{"status":200,"title":"OK"}`},
		{"/healthz/nope", 404, "not setup"},
		{"/livez", 200, "ok"},
		{"/readyz", 200, "ok"},
		{"/startupz", 200, "ok"},
		{"/health", 503, `"status":"fail"`},
	} {
		if w := f.do(http.MethodGet, test.path, ""); w.Code != test.code || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: %d %s", test.path, w.Code, w.Body)
		}
		if w := f.do(http.MethodPost, test.path, ""); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
			t.Errorf("POST %s: %d", test.path, w.Code)
		}
	}
	f.ready = errors.New("shutting down")
	if w := f.do(http.MethodGet, "/readyz", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("/readyz while not ready: %d", w.Code)
	}
}

// TestOwnChecksExpire: as others do by default, though they are made anew for each who asks.
func TestOwnChecksExpire(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"other", "exporter"} { // not the exporter's, by their names
		if err := f.checker.Add(health.Check{Name: name, PassTTL: -1, FailTTL: -1, Run: func(context.Context) error { return nil }}); err != nil {
			t.Fatal(err)
		}
	}
	for _, ready := range []error{nil, errors.New("shutting down"), nil} {
		f.ready = ready
		want := map[string]float64{"other": 0, "exporter": 0, "exporter-ready": 27}
		if ready != nil {
			want["exporter-ready"] = 9
		}
		w := f.do(http.MethodGet, "/healthcheck", "")
		var answer health.HealthcheckBody
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("%v, %v", err, w.Header())
		}
		if passed := answer.Status == "success"; passed != (ready == nil) {
			t.Errorf("ready: %v, but %s", ready, w.Body)
		}
		for _, r := range answer.Results {
			if seconds, ok := want[r.Checker]; ok && math.Abs(r.Expires-r.Timestamp-seconds) > 1e-5 {
				t.Errorf("%s expires after %g s, want %g", r.Checker, r.Expires-r.Timestamp, seconds)
			}
			delete(want, r.Checker)
		}
		if len(want) > 0 {
			t.Errorf("not there: %v in %s", want, w.Body)
		}
	}
}

// What checks say is shown to those who may register, and to nobody behind a proxy.
func TestWhoSeesDetails(t *testing.T) {
	f := newFixture(t)
	if err := f.checker.Add(health.Check{Name: "db", Run: func(context.Context) error { return errors.New("inner detail") }}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		from   string
		header []string
		sees   bool
	}{
		{"127.0.0.1:1", nil, true},
		{"10.1.2.3:1", nil, true},
		{"203.0.113.9:1", nil, false},
		{"203.0.113.9:1", []string{"Authorization", "Bearer secret-me"}, true},
		{"203.0.113.9:1", []string{"Authorization", "Bearer wrong"}, false},
		{"10.1.2.3:1", []string{"X-Forwarded-For", "203.0.113.9"}, false},
		{"10.1.2.3:1", []string{"Forwarded", "for=203.0.113.9"}, false},
		{"nonsense", nil, false},
	} {
		f.from = test.from
		for _, path := range []string{"/health", "/healthcheck", "/healthz/db", "/readyz"} {
			w := f.do(http.MethodGet, path, "", test.header...)
			if got := strings.Contains(w.Body.String(), "inner detail"); got != test.sees {
				t.Errorf("%s from %s with %v: details %v, want %v", path, test.from, test.header, got, test.sees)
			}
		}
	}
}

func TestBeat(t *testing.T) {
	f := newFixture(t)
	if w := f.do(http.MethodPost, "/api/v1/beat/cron", ""); w.Code != http.StatusNoContent {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := f.do(http.MethodPost, "/api/v1/beat/nope", ""); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "no check of kind heartbeat") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := f.do(http.MethodGet, "/api/v1/beat/cron", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	f.from = "203.0.113.9:1"
	if w := f.do(http.MethodPost, "/api/v1/beat/cron", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("from a stranger: %d", w.Code)
	}
}

// Secrets in the errors of probes do not leave the program.
func TestErrorsAreRedacted(t *testing.T) {
	f := newFixture(t)
	w := f.do(http.MethodGet, "/probe?debug=true&module=http_2xx&target=http%3A%2F%2F127.0.0.1%3A1%2F%3Fpassword%3Dhunter2", "")
	if strings.Contains(w.Body.String(), "hunter2") || !strings.Contains(w.Body.String(), "********") {
		t.Errorf("%s", w.Body)
	}
}
