package server

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"strings"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/server/access"
	"github.com/health-exporter/health_exporter/internal/server/probelog"
	"github.com/health-exporter/health_exporter/prober"
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

type server struct {
	Deps
	probes      probelog.Log
	gate        *access.Gate
	strangers   access.Strangers
	registering access.Brake
	watchers    watchers
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
		Handler: safeHeaders(s.sameSite(s.guard(mux, onlyUTF8(problemMethods(mux.mux))))),
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
	safe := http.Header{"X-Content-Type-Options": {"nosniff"}, "X-Frame-Options": {"DENY"}, "Referrer-Policy": {"no-referrer"}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), safe)
		next.ServeHTTP(w, r)
	})
}
