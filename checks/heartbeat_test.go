package checks_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
)

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := checks.NewHeartbeat(time.Hour, 10*time.Minute, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		steps := []struct {
			wait    time.Duration
			beat    bool
			outcome health.Outcome
			output  string
		}{
			{0, false, health.Pass, "no beat yet"},
			{70 * time.Minute, false, health.Pass, "no beat yet"},
			{time.Second, false, health.Fail, "no beat yet, although one was due every 1h0m0s"},
			{0, true, health.Pass, "last beat 0s ago"},
			{time.Hour, false, health.Pass, "last beat 1h0m0s ago"},
			{time.Second, false, health.Warn, "last beat 1h0m1s ago: late, within the grace of 10m0s"},
			{10 * time.Minute, false, health.Fail, "last beat 1h10m1s ago, although one was due every 1h0m0s"},
			{0, true, health.Pass, "last beat 0s ago"},
		}
		for _, step := range steps {
			time.Sleep(step.wait)
			if step.beat {
				h.Beat()
			}
			want(t, run(t, h.Run), step.outcome, step.output)
		}

		// After a restart two hours later the missing beat shows at once.
		last := h.LastBeat()
		time.Sleep(2 * time.Hour)
		if h, err = checks.NewHeartbeat(time.Hour, 0, last); err != nil {
			t.Fatal(err)
		}
		want(t, run(t, h.Run), health.Fail, "last beat 2h0m0s ago, although one was due every 1h0m0s")
		// The clock was set back: a beat of the future is one of now.
		if h, err = checks.NewHeartbeat(time.Hour, 0, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		want(t, run(t, h.Run), health.Pass, "last beat 0s ago")
	})
}

func TestHeartbeats(t *testing.T) {
	backup, err := checks.NewHeartbeat(time.Hour, 0, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	beats := checks.Heartbeats{"nightly backup": backup}
	mux.Handle("/api/v1/beat/{id}", beats)
	mux.Handle("/plain/", beats)
	server := httptest.NewServer(mux)
	defer server.Close()
	tests := []struct {
		method, path string
		code         int
		body         string
	}{
		{"POST", "/api/v1/beat/other", 404, `{"status":404,"title":"there is no heartbeat of this name"}`},
		{"GET", "/api/v1/beat/nightly%20backup", 405, `{"status":405,"title":"a beat is a POST request"}`},
		{"POST", "/api/v1/beat/nightly%20backup", 204, ""},
		{"POST", "/plain/nightly%20backup", 204, ""},
		{"POST", "/plain/", 404, `{"status":404,"title":"there is no heartbeat of this name"}`},
	}
	for _, tt := range tests {
		before := backup.LastBeat()
		req, err := http.NewRequestWithContext(t.Context(), tt.method, server.URL+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.code || strings.TrimSpace(string(body)) != tt.body {
			t.Errorf("%s %s: got %d %q %v, want %d %q", tt.method, tt.path, resp.StatusCode, body, err, tt.code, tt.body)
		}
		if beaten := backup.LastBeat().After(before); beaten != (tt.code == 204) {
			t.Errorf("%s %s: beaten: %v", tt.method, tt.path, beaten)
		}
	}
}

// Neither a restart nor a time in which the program did not run hides a missing beat, or
// makes one up.
func TestHeartbeatOverRestartsAndPauses(t *testing.T) {
	for name, test := range map[string]struct {
		before func(h *checks.Heartbeat, begin time.Time)
		after  time.Duration
		fails  bool
	}{
		"in time after a restart":        {func(h *checks.Heartbeat, begin time.Time) { h.Restore(begin.Add(-24*time.Hour), begin) }, 59 * time.Minute, false},
		"missing after a restart":        {func(h *checks.Heartbeat, begin time.Time) { h.Restore(begin.Add(-24*time.Hour), begin.Add(-time.Hour)) }, time.Minute, true},
		"never came, before or after it": {func(h *checks.Heartbeat, begin time.Time) { h.Restore(begin.Add(-24*time.Hour), time.Time{}) }, 0, true},
		"of the future":                  {func(h *checks.Heartbeat, begin time.Time) { h.Beat(); h.Restore(begin, begin.Add(24*time.Hour)) }, 2 * time.Hour, true},
		"deaf for a while":               {func(h *checks.Heartbeat, begin time.Time) { h.Beat(); h.Excuse(time.Hour) }, 119 * time.Minute, false},
		"deaf, and missing beyond that":  {func(h *checks.Heartbeat, begin time.Time) { h.Beat(); h.Excuse(time.Hour) }, 121 * time.Minute, true},
		"deaf before the last beat":      {func(h *checks.Heartbeat, begin time.Time) { h.Excuse(time.Hour); h.Beat() }, 61 * time.Minute, true},
		"deaf before the first":          {func(h *checks.Heartbeat, begin time.Time) { h.Excuse(time.Hour) }, 119 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, err := checks.NewHeartbeat(time.Hour, 0, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				test.before(h, time.Now())
				time.Sleep(test.after)
				if err := h.Run(t.Context()); (err != nil) != test.fails {
					t.Error(err)
				}
			})
		})
	}
}
