package server

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/internal/server/access"
	"github.com/health-exporter/health_exporter/internal/server/probelog"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// Settings are what a reload of the configuration may change.
type Settings struct {
	// Modules are all modules by name.
	Modules map[string]*prober.Module
	// Network bounds where /probe and registered targets may connect to.
	Network *prober.NetworkPolicy
	// Registration says what may be registered.
	Registration Registration
	// Access says who may do what.
	Access access.Rules
	// Environment serves /environment to those whom SeesEnvironment tells by their
	// token; nil if it is switched off.
	Environment     http.Handler
	SeesEnvironment func(secret string) bool
	// ExternalURL is under which browsers find us, without a slash at its end; empty if
	// nobody said so.
	ExternalURL string
	// Public says what everybody may see; nil for nothing.
	Public *Public
	// ConfigText is the configuration, and ModuleText one module, with secrets masked.
	ConfigText func() string
	ModuleText func(module string) string
}

func (s *Settings) kindOf(module string) (prober.Kind, bool) {
	m, ok := s.Modules[module]
	if !ok {
		return "", false
	}
	return m.Kind(), true
}

// Registration says what may be registered.
type Registration struct {
	// MaxTargets bounds all, and MaxTargetsPerOwner those of one token.
	MaxTargets, MaxTargetsPerOwner int
	// MaxTargetsPerAddress bounds what an address registers without a token, and Rate (a
	// second) and Burst how fast it does; 0 for no bound. They do not bind the own host.
	MaxTargetsPerAddress int
	Rate                 float64
	Burst                int
	// AllowsEmail reports whether a registered address may be mailed.
	AllowsEmail func(address string) bool
}

// Deps are what the server calls. Fields are required unless they say what happens
// without them; the zero value of a flag, a time or a number is one.
type Deps struct {
	// Settings returns the current ones.
	Settings  func() *Settings
	Registry  *registry.Registry
	Scheduler *schedule.Scheduler
	// Checks is the schedule of the in-process checks of the configuration.
	Checks *schedule.Scheduler
	// History has the states of targets and checks.
	History *history.Store
	// Apply brings the schedule up to date with the registry before it returns.
	Apply func()
	// Reload reads the configuration anew.
	Reload func(context.Context) error
	// Ready tells why the exporter is not ready to serve; nil if it is.
	Ready func() error
	// Checker has the in-process checks.
	Checker func() *health.Checker
	// Beat notes a beat for a heartbeat check, if there is one of the name.
	Beat func(check string) bool
	// Maintenance has the maintenance windows.
	Maintenance MaintenanceBook
	// Metrics serves /metrics.
	Metrics http.Handler
	// Version and Revision of the program, and when it started.
	Version, Revision string
	Started           time.Time
	// RoutePrefix is below which everything is, such as /health/; empty means /.
	RoutePrefix string
	// TimeoutOffset is taken off the scrape timeout that Prometheus announces.
	TimeoutOffset time.Duration
	// MaxAdHocProbes bounds the ad-hoc probes under way; 0 means 500.
	MaxAdHocProbes int
	// LogsIn reports whether the web configuration has users, without whom no request
	// comes here; nil for never.
	LogsIn func() bool
	// HistoryLimit is how many ad-hoc probes are remembered.
	HistoryLimit int
	// ProbeLog receives what ad-hoc probes log; nil for nobody.
	ProbeLog slog.Handler
	// UnknownModule is called when /probe is asked for a module that does not exist.
	UnknownModule func()
	// Profiling serves /debug/pprof/.
	Profiling bool
	Log       *slog.Logger
}

type server struct {
	Deps
	probes      probelog.Log
	gate        *access.Gate
	strangers   access.Strangers
	registering access.Brake
	probing     chan struct{} // a place for each ad-hoc probe under way
}

// New is the whole HTTP surface.
func New(deps Deps) http.Handler {
	s := &server{
		Deps: deps, probes: probelog.Log{Limit: deps.HistoryLimit}, gate: access.NewGate(deps.LogsIn),
		probing: make(chan struct{}, cmp.Or(deps.MaxAdHocProbes, defaultAdHocProbes)),
	}
	mux := s.routes()
	logged := &health.AccessLog{
		Handler: safeHeaders(s.sameSite(s.guard(mux, problemMethods(mux.mux)))),
		Log:     deps.Log, Level: slog.LevelDebug,
		Quiet: []string{
			"/metrics", "/health", "/healthcheck", "/health-check", "/healthz/", "/livez", "/readyz", "/startupz", "/-/healthy", "/-/ready",
		},
	}
	return s.below(s.prefix(), logged)
}

// prefix is below which everything is; it begins and ends with a slash.
func (s *server) prefix() string { return cmp.Or(s.RoutePrefix, "/") }

// below serves a handler below a prefix, and leads there from elsewhere, but nobody who
// asks for a name that is not ours.
func (s *server) below(prefix string, h http.Handler) http.Handler {
	if prefix == "/" {
		return h
	}
	mux := http.NewServeMux()
	mux.Handle(prefix, http.StripPrefix(strings.TrimSuffix(prefix, "/"), h))
	mux.Handle("GET /{$}", http.RedirectHandler(prefix, http.StatusFound))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, prefix) || path.Clean(r.URL.Path) != strings.TrimSuffix(r.URL.Path, "/") {
			if p := s.refuseName(s.gate.Identify(&s.Settings().Access, r)); p != nil {
				s.turnAway(w, r, p)
				return
			}
		}
		mux.ServeHTTP(w, r)
	})
}

// safeHeaders keeps browsers from guessing types and from framing the pages.
func safeHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}
