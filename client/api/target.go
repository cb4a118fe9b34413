package api

import (
	"encoding/json"
	"time"
)

// Target is what the exporter knows about a target.
type Target struct {
	Registration
	// HealthURL is what is asked, for modules of kind health.
	HealthURL string `json:"health_url,omitempty"`
	// PlaceCut says that URL or Address lack what may be secret, such as a query, since
	// who asks may not see it.
	PlaceCut bool `json:"place_cut,omitempty"`

	// State is UNKNOWN, HEALTHY, DEGRADED or UNHEALTHY.
	State string `json:"state"`
	// Up is of the last probe; nil before the first.
	Up     *bool `json:"up"`
	Paused bool  `json:"paused"`
	// Maintenance reports whether it is in a maintenance window.
	Maintenance bool `json:"maintenance,omitempty"`
	// Source says who told the exporter of it: api, config, …
	Source string `json:"source"`
	// Owner is who may change it, and From where he asked from.
	Owner string `json:"owner,omitempty"`
	From  string `json:"from,omitempty"`
	// Problem is why it is not probed.
	Problem   string `json:"problem,omitempty"`
	Failures  uint32 `json:"consecutive_failures"`
	Successes uint32 `json:"consecutive_successes"`

	// LastCheck and the others are nil if there was none yet.
	LastCheck       *time.Time `json:"last_check"`
	LastHealthy     *time.Time `json:"last_healthy"`
	LastStateChange *time.Time `json:"last_state_change"`
	NextCheck       *time.Time `json:"next_check"`
	LastStatusCode  *int       `json:"last_status_code"`
	LastLatency     *float64   `json:"last_latency_seconds"`
	LastReason      string     `json:"last_reason,omitempty"`
	LastError       string     `json:"last_error,omitempty"`
	// LastResponse is there if one target is asked for; a text if it was cut.
	LastResponse json.RawMessage `json:"last_response,omitempty"`
	RegisteredAt *time.Time      `json:"registered_at"`

	// LeaseExpires is when the registration ends unless it is renewed; nil for never.
	LeaseExpires *time.Time `json:"lease_expires,omitempty"`

	// Warnings say what the exporter did not take over as it was meant.
	Warnings []Fault `json:"warnings,omitempty"`
}

// Targets is the answer to GET /api/v1/targets: all targets or, if there is a Total, a
// page of them.
type Targets struct {
	Targets []Target `json:"targets"`
	// Total is how many there are on all pages.
	Total *int `json:"total,omitempty"`
	// Next is the cursor of the next page; empty if there is none.
	Next string `json:"next,omitempty"`
}

// Entry is one line of a target's log.
type Entry struct {
	Time time.Time `json:"time"`
	// Result is pass, warn or fail.
	Result     string          `json:"result"`
	State      string          `json:"state"`
	StatusCode *int            `json:"status_code"`
	Latency    float64         `json:"latency_seconds"`
	Reason     string          `json:"reason,omitempty"`
	Error      string          `json:"error,omitempty"`
	Response   json.RawMessage `json:"response,omitempty"`
	// Transcript is for those who may debug.
	Transcript string `json:"transcript,omitempty"`
}
