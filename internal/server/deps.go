package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Deps are the parts of the exporter that the server shows and calls. Fields are required
// unless they say what happens without them; the zero value of a flag, a time or a number
// is one.
type Deps struct {
	// Settings returns the current ones.
	Settings func() *Settings
	Targets
	Checks Checks
	// History has the states of targets and checks.
	History History
	// Events is what happens to them.
	Events Events
	// Maintenance has the maintenance windows.
	Maintenance MaintenanceWindows
	Exporter
	AdHoc
	// Metrics serves /metrics.
	Metrics http.Handler
	Log     *slog.Logger
}

// Targets are what is polled.
type Targets struct {
	// Registry has those that are wanted, and Scheduler what becomes of them.
	Registry  Registry
	Scheduler Schedule
	// Apply brings the schedule up to date with the registry before it returns.
	Apply func()
}

// Checks are the in-process checks of the configuration, and their schedule.
type Checks struct {
	Schedule
	// Checker has the checks, and those of the exporter itself.
	Checker func() *health.Checker
	// Beat notes a beat for a heartbeat check, if there is one of the name.
	Beat func(check string) bool
}

// Exporter is the program itself.
type Exporter struct {
	Version string
	Started time.Time
	// Ready says why the exporter is not ready to serve; nil if it is.
	Ready func() error
	// Reload reads the configuration anew.
	Reload func(context.Context) error
	// RoutePrefix is below which everything is, such as /health/; empty means /.
	RoutePrefix string
	// LogsIn reports whether the web configuration has users, without whom no request
	// comes here; nil for never.
	LogsIn func() bool
	// Stopping is done when the exporter begins to stop; nil for never.
	Stopping context.Context
	// Profiling serves /debug/pprof/.
	Profiling bool
}

// AdHoc is how /probe probes.
type AdHoc struct {
	// TimeoutOffset is taken off the scrape timeout that Prometheus announces.
	TimeoutOffset time.Duration
	// MaxAdHocProbes bounds the ad-hoc probes under way; 0 means 500.
	MaxAdHocProbes int
	// HistoryLimit is how many ad-hoc probes are remembered.
	HistoryLimit int
	// ProbeLog receives what ad-hoc probes log; nil for nobody.
	ProbeLog slog.Handler
	// UnknownModule is called when /probe is asked for a module that does not exist.
	UnknownModule func()
}
