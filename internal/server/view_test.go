package server

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// TestWholeView compares all that lists show of a target, which is not its answer; no two fields have the same
// value.
func TestWholeView(t *testing.T) {
	f := newFixture(t)
	at := func(minute int) time.Time { return time.Date(2026, 3, 1, 12, minute, 0, 0, time.UTC) }
	target := &prober.Target{
		App: "nas", URL: "http://10.0.0.9/x?secret", Email: "me@example.org", Group: "home", Interval: 7 * time.Second, Timeout: 1500 * time.Millisecond,
		Unhealthy: 4, Healthy: 5, Source: "config", Owner: "token:shop", From: "10.0.0.3", RegisteredAt: at(1), Paused: true,
	}
	st := &schedule.Status{
		Target: target, State: health.State{Verdict: health.Degraded, Failures: 3, Passes: 8}, Since: at(2), LastHealthy: at(3), LastProbe: at(4),
		Probed: true, Up: true, Reason: "slow", Error: "too slow", Latency: 250 * time.Millisecond, StatusCode: 204, Problem: "a problem",
		Response: json.RawMessage(`{"a":1}`),
	}
	want := api.Target{
		Registration: api.Registration{
			App: "nas", URL: "http://10.0.0.9/x", Module: "health", Email: new("me@example.org"), Group: "home", Interval: api.NewSeconds(7 * time.Second),
			Timeout: api.NewSeconds(1500 * time.Millisecond), Unhealthy: new(4), Healthy: new(5),
		},
		HealthURL: "http://10.0.0.9/x/health", PlaceCut: true, State: "DEGRADED", Up: new(true), Paused: true, Source: "config", Owner: "token:shop", From: "10.0.0.3",
		Problem: "a problem", Failures: 3, Successes: 8, LastCheck: new(at(4)), LastHealthy: new(at(3)), LastStateChange: new(at(2)),
		LastStatusCode: new(204), LastLatency: new(0.25), LastReason: "slow", LastError: "too slow", RegisteredAt: new(at(1)),
	}
	s := &server{Deps: f.deps}
	if diff := cmp.Diff(want, s.view(target, st, false)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Why a target could not be checked is shown also if it never could.
func TestReasonBeforeTheFirstResult(t *testing.T) {
	f := newFixture(t)
	target := &prober.Target{App: "nas", URL: "http://nas.example/"}
	st := &schedule.Status{Target: target, Reason: prober.ReasonDNS, Error: "looking up nas.example: server misbehaving"}
	s := &server{Deps: f.deps}
	if v := s.view(target, st, false); v.LastReason != "dns" || v.LastError != st.Error || v.LastCheck != nil {
		t.Errorf("reason %q, error %q, checked %v", v.LastReason, v.LastError, v.LastCheck)
	}
}
