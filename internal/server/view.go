package server

import (
	"encoding/json"
	"time"

	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// targetView is a target as the API shows it. Times are null when never.
type targetView struct {
	App              string             `json:"app"`
	URL              string             `json:"url,omitempty"`
	HealthURL        string             `json:"health_url,omitempty"`
	Address          string             `json:"address,omitempty"`
	Module           string             `json:"module"`
	Email            string             `json:"email"`
	Group            string             `json:"group,omitempty"`
	Labels           map[string]string  `json:"labels,omitempty"`
	DependsOn        []string           `json:"depends_on,omitempty"`
	Interval         float64            `json:"interval"`
	Timeout          float64            `json:"timeout"`
	InitialDelay     *float64           `json:"initial_delay,omitempty"`
	Unhealthy        int                `json:"unhealthy"`
	Healthy          int                `json:"healthy"`
	DegradedAfter    int                `json:"degraded_after,omitempty"`
	FastStart        bool               `json:"fast_start,omitempty"`
	ValidStatusCodes prober.StatusCodes `json:"valid_status_codes,omitempty"`

	State  health.Verdict `json:"state"`
	Up     *bool          `json:"up"`
	Paused bool           `json:"paused"`
	// Maintenance says that nothing is told of it at the moment.
	Maintenance bool   `json:"maintenance,omitempty"`
	Source      string `json:"source"`
	Owner       string `json:"owner,omitempty"`
	From        string `json:"from,omitempty"`
	Problem     string `json:"problem,omitempty"`
	Failures    uint32 `json:"consecutive_failures"`
	Successes   uint32 `json:"consecutive_successes"`

	LastCheck       *time.Time      `json:"last_check"`
	LastHealthy     *time.Time      `json:"last_healthy"`
	LastStateChange *time.Time      `json:"last_state_change"`
	NextCheck       *time.Time      `json:"next_check"`
	LastStatusCode  *int            `json:"last_status_code"`
	LastLatency     *float64        `json:"last_latency_seconds"`
	LastReason      prober.Reason   `json:"last_reason,omitempty"`
	LastError       string          `json:"last_error,omitempty"`
	LastResponse    json.RawMessage `json:"last_response,omitempty"`
	RegisteredAt    *time.Time      `json:"registered_at"`

	TTL          float64    `json:"ttl,omitempty"`
	LeaseExpires *time.Time `json:"lease_expires,omitempty"`

	Warnings []fieldFault `json:"warnings,omitempty"`
}

// view shows a target with what is known of it; st may be nil.
func (s *server) view(t *prober.Target, st *schedule.Status) targetView {
	v := targetView{
		App: t.App, URL: t.URL, Address: t.Address, Module: t.ModuleName(), Email: t.Email, Group: t.Group,
		Labels: t.Labels, DependsOn: t.DependsOn, Interval: t.Interval.Seconds(), Timeout: t.Timeout.Seconds(),
		Unhealthy: t.Unhealthy, Healthy: t.Healthy, DegradedAfter: t.DegradedAfter, FastStart: t.FastStart,
		ValidStatusCodes: t.StatusCodes, Paused: t.Paused, Source: t.Source, Owner: t.Owner, From: t.From,
		RegisteredAt: moment(t.RegisteredAt),
	}
	if end, ok := s.Registry.LeaseEnd(t.App); ok && t.TTL > 0 {
		v.TTL, v.LeaseExpires = t.TTL.Seconds(), moment(end)
	}
	if t.InitialDelay != nil {
		v.InitialDelay = new(t.InitialDelay.Seconds())
	}
	if kind, _ := s.Settings().kindOf(v.Module); t.URL != "" {
		v.HealthURL = kind.Asked(t.URL)
	}
	if st == nil || st.Target.Place() != t.Place() {
		return v
	}
	v.State, v.Problem = st.State.Verdict, st.Problem
	v.Failures, v.Successes = st.State.Failures, st.State.Passes
	v.LastStateChange, v.LastHealthy = moment(st.Since), moment(st.LastHealthy)
	v.NextCheck = moment(s.Scheduler.NextProbe(t.App))
	if !st.LastProbe.IsZero() {
		v.LastCheck, v.LastReason, v.LastError = moment(st.LastProbe), st.Reason, redact.Text(st.Error)
		v.LastLatency, v.LastResponse = new(st.Latency.Seconds()), st.Response
		if st.StatusCode != 0 {
			v.LastStatusCode = new(st.StatusCode)
		}
	}
	if st.Probed {
		v.Up = new(st.Up)
	}
	return v
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

// entryView is one line of the log of probes.
type entryView struct {
	Time       time.Time       `json:"time"`
	Result     health.Outcome  `json:"result"`
	State      health.Verdict  `json:"state"`
	StatusCode *int            `json:"status_code"`
	Latency    float64         `json:"latency_seconds"`
	Reason     prober.Reason   `json:"reason,omitempty"`
	Error      string          `json:"error,omitempty"`
	Response   json.RawMessage `json:"response,omitempty"`
	Transcript string          `json:"transcript,omitempty"`
}

// viewEntry shows one line; the transcript is for those who may debug.
func viewEntry(e schedule.Entry, debug bool) entryView {
	v := entryView{
		Time: e.Time.UTC(), Result: e.Outcome, State: e.State, Latency: e.Latency.Seconds(),
		Reason: e.Reason, Error: redact.Text(e.Error), Response: e.Response,
	}
	if debug {
		v.Transcript = redact.Text(e.Steps)
	}
	if e.StatusCode != 0 {
		v.StatusCode = new(e.StatusCode)
	}
	return v
}
