package page

import (
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Subject is the page of one target or check.
type Subject struct {
	Frame
	Row
	// Problem says why it is not probed although it is not paused.
	Problem string `json:"problem,omitempty"`
	Module  string `json:"module,omitempty"`
	// Failing, Passing and so on count up to their thresholds.
	Counters []Counter `json:"counters"`
	// Interval and Timeout of the probes.
	Interval time.Duration `json:"-"`
	Timeout  time.Duration `json:"-"`
	// LastProbe and NextProbe are zero if there is none.
	LastProbe time.Time `json:"last_probe,omitzero"`
	NextProbe time.Time `json:"next_probe,omitzero"`
	// Overdue is for how long the next probe has been due.
	Overdue time.Duration `json:"-"`
	// Lateness is how late the prober as a whole begins 99 of 100 probes.
	Lateness time.Duration `json:"-"`
	// StatusCode is 0 if there was none.
	StatusCode int       `json:"status_code,omitempty"`
	CertExpiry time.Time `json:"certificate_expires,omitzero"`
	// Source and Owner say who told of it; LeaseEnds is zero without a lease.
	Source     string            `json:"source,omitempty"`
	Owner      string            `json:"owner,omitempty"`
	Registered time.Time         `json:"registered_at,omitzero"`
	LeaseEnds  time.Time         `json:"lease_ends,omitzero"`
	Labels     map[string]string `json:"labels,omitempty"`
	DependsOn  []string          `json:"depends_on,omitempty"`
	// Spans are the uptimes of several spans of time.
	Spans []Span `json:"uptimes"`
	// HalfHours and Days are the strips, with the time they cover.
	HalfHours, Days           []Cell `json:"-"`
	HalfHourWindow, DayWindow Window `json:"-"`
	// Results are the last probes, and Changes the changes of state, newest first.
	Results []Result `json:"results"`
	Changes []Change `json:"changes"`
	// Snippets are expressions for Prometheus.
	Snippets []string `json:"promql,omitempty"`
	// Badges are the pictures that there are of it, relative to the page.
	Badges []string `json:"badges"`
	// May says which buttons the reader may press; AdHoc leads to a probe with its
	// transcript.
	May   May    `json:"-"`
	AdHoc string `json:"-"`
	// Notice is what the last button has led to.
	Notice string `json:"-"`
}

// May says what a reader may do.
type May struct{ Probe, Pause, Resume, Remove bool }

// Any reports whether there is anything.
func (m May) Any() bool { return m.Probe || m.Pause || m.Resume || m.Remove }

// Counter is a run of outcomes on its way to a threshold.
type Counter struct {
	What string `json:"what"`
	N    int    `json:"count"`
	Of   int    `json:"threshold"`
	// To is the state that the threshold leads to.
	To health.Verdict `json:"to"`
}

// Span is the uptime of one span of time, with all that makes it up.
type Span struct {
	Name   string `json:"name"`
	Uptime Uptime `json:"uptime"`
	Parts  []Part `json:"parts"`
}

// Part is the time that was spent in one state.
type Part struct {
	Word    string        `json:"state"`
	Took    time.Duration `json:"-"`
	Seconds float64       `json:"seconds"`
}

// Result is one probe.
type Result struct {
	Time       time.Time      `json:"time"`
	Outcome    health.Outcome `json:"result"`
	State      health.Verdict `json:"state"`
	Latency    time.Duration  `json:"-"`
	Seconds    float64        `json:"latency_seconds"`
	StatusCode int            `json:"status_code,omitempty"`
	Reason     string         `json:"reason,omitempty"`
	Error      string         `json:"error,omitempty"`
	Response   string         `json:"response,omitempty"`
	// Steps is the transcript, if there is one.
	Steps string `json:"transcript,omitempty"`
}

// More reports whether there is anything to unfold.
func (r *Result) More() bool { return r.Error != "" || r.Response != "" || r.Steps != "" }
