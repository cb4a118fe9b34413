package server

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober"
)

// Settings are what a reload of the configuration may change.
type Settings struct {
	// Modules are all modules by name.
	Modules map[string]*prober.Module
	// Network bounds where /probe and registered targets may connect to.
	Network *prober.NetworkPolicy
	// Registration says who may register what.
	Registration Registration
	// Access says what may be seen without a token.
	Access Access
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

func (s *Settings) kindOf(module string) (string, bool) {
	m, ok := s.Modules[module]
	if !ok {
		return "", false
	}
	return m.Kind(), true
}

// Registration says who may register what.
type Registration struct {
	Enabled                        bool
	MaxTargets, MaxTargetsPerOwner int
	// Bearer names the holder of a token.
	Bearer func(secret string) (name string, ok bool)
	// Trusts tells whether one may register from an address without a token.
	Trusts func(from netip.Addr) bool
	// AllowsEmail tells whether a registered address may be mailed.
	AllowsEmail func(address string) bool
}

// Deps are what the server calls. All fields are required.
type Deps struct {
	// Settings returns the current ones.
	Settings  func() *Settings
	Registry  *registry.Registry
	Scheduler *prober.Scheduler
	// Checks is the schedule of the in-process checks of the configuration.
	Checks *prober.Scheduler
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
	// Maintenance has the times of maintenance.
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
	probes probeLog
}

// New is the whole HTTP surface.
func New(deps Deps) http.Handler {
	s := &server{Deps: deps, probes: probeLog{limit: deps.HistoryLimit}}
	mux := s.routes()
	logged := &health.AccessLog{
		Handler: safeHeaders(http.NewCrossOriginProtection().Handler(s.guard(mux.ServeMux, problemMethods(mux.ServeMux)))),
		Log:     deps.Log, Level: slog.LevelDebug,
		Quiet: []string{
			"/metrics", "/health", "/healthcheck", "/health-check", "/healthz/", "/livez", "/readyz", "/startupz", "/-/healthy", "/-/ready",
		},
	}
	return below(s.prefix(), logged)
}

// routes are all there are. What each needs stands in rights.
func (s *server) routes() *routes {
	mux := &routes{ServeMux: http.NewServeMux()}
	s.routePages(mux)
	mux.Handle("GET /metrics", s.Metrics)
	mux.HandleFunc("/probe", s.probe)
	mux.HandleFunc("GET /logs", s.logs)
	mux.HandleFunc("GET /config", s.config)
	mux.HandleFunc("/health", s.health)
	for _, path := range []string{"/healthcheck", "/healthcheck/{$}", "/health-check", "/health-check/{$}"} {
		mux.HandleFunc(path, s.healthcheck)
	}
	mux.HandleFunc("/healthz/{name}", s.healthz)
	mux.HandleFunc("/livez", s.group(health.Live))
	mux.HandleFunc("/readyz", s.group(health.Ready))
	mux.HandleFunc("/startupz", s.group(health.Startup))
	mux.HandleFunc("/environment", s.environment)
	mux.HandleFunc("GET /-/healthy", s.healthy)
	mux.HandleFunc("GET /-/ready", s.ready)
	mux.HandleFunc("POST /-/reload", s.reload)
	mux.HandleFunc("PUT /-/reload", s.reload)

	mux.HandleFunc("GET /api/v1/sd", s.serviceDiscovery)
	mux.HandleFunc("GET /api/v1/targets", s.listTargets)
	mux.HandleFunc("POST /api/v1/targets", s.createTarget)
	mux.HandleFunc("GET /api/v1/targets/{app}", s.getTarget)
	mux.HandleFunc("PUT /api/v1/targets/{app}", s.putTarget)
	mux.HandleFunc("DELETE /api/v1/targets/{app}", s.deleteTarget)
	mux.HandleFunc("POST /api/v1/targets/{app}/pause", s.pauseTarget)
	mux.HandleFunc("POST /api/v1/targets/{app}/resume", s.resumeTarget)
	mux.HandleFunc("POST /api/v1/targets/{app}/probe", s.probeTarget)
	mux.HandleFunc("GET /api/v1/targets/{app}/history", s.targetHistory)
	mux.HandleFunc("POST /api/v1/targets/{app}/renew", s.renewTarget)
	mux.HandleFunc("GET /api/v1/tombstones", s.listTombstones)
	mux.HandleFunc("GET /api/v1/checks", s.listChecks)
	mux.HandleFunc("GET /api/v1/maintenance", s.listMaintenance)
	mux.HandleFunc("POST /api/v1/maintenance", s.addMaintenance)
	mux.HandleFunc("DELETE /api/v1/maintenance/{name}", s.removeMaintenance)
	mux.HandleFunc("POST /api/v1/beat/{id}", s.beat)
	mux.HandleFunc("/api/", s.unknownAPI)

	if s.Profiling {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// routePages has what people look at.
func (s *server) routePages(mux *routes) {
	page := func(pattern string, h http.HandlerFunc) { mux.Handle(pattern, gzhttp.GzipHandler(h)) }
	page("GET /{$}", s.overview)
	page("GET /feed.atom", s.feed)
	mux.HandleFunc("GET /login", login)
	page("GET /assets/{file}", asset)
	mux.HandleFunc("GET /favicon.svg", favicon)
	page("GET /public/{$}", s.publicly(s.publicOverview))
	page("GET /public/feed.atom", s.publicly(s.publicFeed))
	for _, kind := range []string{kindTarget, kindCheck} {
		page("GET /"+kind+"s/{name}", s.subjectPage(kind))
		mux.HandleFunc("GET /"+kind+"s/{name}/{file}", s.subjectBadge(kind))
		mux.HandleFunc("POST /"+kind+"s/{name}/{file}", s.press(kind))
		page("GET /public/"+kind+"s/{name}", s.publicSubject(kind))
		mux.HandleFunc("GET /public/"+kind+"s/{name}/{file}", s.publicSubject(kind))
	}
}

// prefix is below which everything is; it begins and ends with a slash.
func (s *server) prefix() string { return cmp.Or(s.RoutePrefix, "/") }

// below serves a handler below a prefix, and leads there from elsewhere.
func below(prefix string, h http.Handler) http.Handler {
	if prefix == "/" {
		return h
	}
	mux := http.NewServeMux()
	mux.Handle(prefix, http.StripPrefix(strings.TrimSuffix(prefix, "/"), h))
	mux.Handle("GET /{$}", http.RedirectHandler(prefix, http.StatusFound))
	return mux
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
