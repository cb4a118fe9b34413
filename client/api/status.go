package api

import "time"

// Status is the answer to GET /api/v1/status: how many targets and checks are in which
// state, and those that are not healthy.
type Status struct {
	// Worst is the worst state of those that count: UNKNOWN if there is nothing at all. It
	// has held since Since, which is nil if nobody knows.
	Worst string     `json:"worst"`
	Since *time.Time `json:"since"`
	// Total is how many targets and checks there are, whatever the filter; Targets and Checks
	// are those that it lets through.
	Total   int    `json:"total"`
	Targets Counts `json:"targets"`
	Checks  Counts `json:"checks"`
	// NotHealthy are the worst, and of those the newest; NotHealthyMore is how many more.
	NotHealthy     []Subject `json:"not_healthy"`
	NotHealthyMore int       `json:"not_healthy_more"`
	// Exporter is what is not all right with the exporter itself.
	Exporter []string `json:"exporter,omitempty"`
}

// Counts are how many are in each state. Those paused or in maintenance are counted there,
// and in no state.
type Counts struct {
	Unhealthy   int `json:"unhealthy"`
	Degraded    int `json:"degraded"`
	Unknown     int `json:"unknown"`
	Healthy     int `json:"healthy"`
	Maintenance int `json:"maintenance"`
	Paused      int `json:"paused"`
}

// Subject is a target or a check, in short.
type Subject struct {
	// Kind is target or check.
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Group string `json:"group,omitempty"`
	State string `json:"state"`
	// Since is from when on it is in that state.
	Since       *time.Time `json:"since"`
	Reason      string     `json:"reason,omitempty"`
	Place       string     `json:"place,omitempty"`
	LastCheck   *time.Time `json:"last_check"`
	LastLatency *float64   `json:"last_latency_seconds"`
}
