package server

import (
	"time"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/registration"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// view shows a target with what is known of it; st may be nil. Only who sees all sees
// what may be secret in its place.
func (s *server) view(t *prober.Target, st *schedule.Status, seesAll bool) api.Target {
	v := api.Target{
		Registration: registration.Of(t), Paused: t.Paused, Source: string(t.Source), Owner: t.Owner, From: t.From, RegisteredAt: moment(t.RegisteredAt),
		State: stateName(health.Unknown),
	}
	v.Module, v.Email, v.TTL = t.ModuleName(), new(t.Email), nil
	if !seesAll {
		v.URL, v.Address = collector.PublicPlace(v.URL), collector.PublicPlace(v.Address)
		v.PlaceCut = v.Place() != t.Place()
	}
	if end, ok := s.Registry.LeaseEnd(t.App); ok && t.TTL > 0 {
		v.TTL, v.LeaseExpires = api.NewSeconds(t.TTL), moment(end)
	}
	if kind, _ := s.Settings().kindOf(v.Module); v.URL != "" {
		v.HealthURL = kind.Asked(v.URL)
	}
	if st == nil || st.Target.Place() != t.Place() {
		return v
	}
	v.State, v.Problem = stateName(st.State.Verdict), st.Problem
	v.Failures, v.Successes = st.State.Failures, st.State.Passes
	v.LastStateChange, v.LastHealthy = moment(st.Since), moment(st.LastHealthy)
	v.NextCheck = moment(s.Scheduler.NextProbe(t.App))
	v.LastReason, v.LastError = string(st.Reason), redact.Text(st.Error) // also if it could not be checked
	if !st.LastProbe.IsZero() {
		v.LastCheck = moment(st.LastProbe)
		v.LastLatency = new(st.Latency.Seconds())
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

// viewEntry shows one line; the transcript is for those who may debug.
func viewEntry(e schedule.Entry, debug bool) api.Entry {
	v := api.Entry{
		Time: e.Time.UTC(), Result: e.Outcome.String(), State: stateName(e.State), Latency: e.Latency.Seconds(),
		Reason: string(e.Reason), Error: redact.Text(e.Error), Response: shownResponse(e.Response),
	}
	if debug {
		v.Transcript = redact.Text(e.Steps)
	}
	if e.StatusCode != 0 {
		v.StatusCode = new(e.StatusCode)
	}
	return v
}

// stateName is the name of a state as JSON has it.
func stateName(v health.Verdict) string {
	text, _ := v.MarshalText() // it never fails
	return string(text)
}
