package schedule

import (
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// Job is one line of what shall be polled.
type Job struct {
	Target *prober.Target
	// Check is what is looked at if that is not a target but an in-process check, of which
	// Target has the name and the times only; nil for a target.
	Check *Check
	// Module is how to probe; nil leaves the target UNKNOWN with Problem as the reason.
	Module *prober.Module
	// Problem says why there is no module.
	Problem string
	// Network bounds where the probe may connect to.
	Network *prober.NetworkPolicy
	// Saved is what was known of the target before the program was restarted; used
	// only when the job is new to the scheduler.
	Saved *Saved
	// NotBefore, if in the future, is when the first probe is made.
	NotBefore time.Time
}

// Check is an in-process check on the schedule.
type Check struct {
	// Kind is what is looked at, such as disk.
	Kind string
}

// Saved is what survives a restart: the debounced state and how it came about.
type Saved struct {
	State       health.State `json:"state"`
	Since       time.Time    `json:"since,omitzero"`
	LastHealthy time.Time    `json:"last_healthy,omitzero"`
	// Place is what the state was observed of; another place starts anew.
	Place       string       `json:"place"`
	Transitions []Transition `json:"transitions,omitempty"`
	// Awaited and Beat are of checks that wait for beats: since when, and the last one.
	Awaited time.Time `json:"awaited,omitzero"`
	Beat    time.Time `json:"beat,omitzero"`
}

// Transition is one change of state.
type Transition struct {
	Time   time.Time      `json:"time"`
	From   health.Verdict `json:"from"`
	To     health.Verdict `json:"to"`
	Reason string         `json:"reason,omitempty"`
}

// MaxTransitions is how many transitions of a target are kept, and MaxSavedTransitions how
// many of them survive a restart.
const (
	MaxTransitions      = 50
	MaxSavedTransitions = 10
)

// Entry is one line of a target's log of probes.
type Entry struct {
	Time       time.Time
	Latency    time.Duration
	StatusCode int
	Outcome    health.Outcome
	State      health.Verdict
	Reason     prober.Reason
	Error      string
	Response   []byte
	// Steps is the transcript of the probe. It is there for the newest probe only, if
	// the one before it failed, or if somebody asked for it.
	Steps string
}

// HistoryLimit is how many probes of a target are kept.
const HistoryLimit = 100

// Status is what is known of a target at one moment. It is immutable: a new one
// replaces it after each probe, so it can be read without a lock.
type Status struct {
	Target *prober.Target
	// Check is that of the job: nil for a target.
	Check *Check
	// Problem says why the target is not probed although it is not paused.
	Problem string
	State   health.State
	// Since is when the verdict last changed, or when the target became known.
	Since time.Time
	// FirstProbe is when the first probe is made, if that was put off; zero if not.
	FirstProbe time.Time
	// Probed is false before the first probe since the program started.
	Probed bool
	// Up is whether the last probe passed, or passed with a warning.
	Up bool
	// Failing is whether a probe has failed since the verdict is what it is, or led to it.
	Failing    bool
	LastProbe  time.Time
	Latency    time.Duration
	StatusCode int
	CertExpiry time.Time
	// LastHealthy is when a probe last left the state HEALTHY; zero if never.
	LastHealthy time.Time
	Reason      prober.Reason
	Error       string
	Report      *health.Report
	Response    []byte

	// Counters since the program started.
	Passes, Warns, Fails uint64
	// Failures counts by reason, in the order of Reasons.
	Failures [10]uint32
	// Changes counts transitions by the state entered, in the order of health.Verdicts.
	Changes [4]uint32
	// Skipped counts the due probes that were not made.
	Skipped uint32
	// BodyErrors counts health+json bodies that could not be parsed.
	BodyErrors uint32
}
