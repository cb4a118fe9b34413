package server

import (
	"net/http"
	"net/http/pprof"

	"github.com/klauspost/compress/gzhttp"

	"github.com/health-exporter/health_exporter/health"
)

// routes is a mux that knows which right each of its routes needs.
type routes struct {
	mux    *http.ServeMux
	rights map[string]Right // by pattern
}

// handle adds a route, and says what it needs.
func (m *routes) handle(need Right, pattern string, h http.HandlerFunc) {
	m.rights[pattern] = need
	m.mux.HandleFunc(pattern, h)
}

// page adds a route whose answers are worth compressing.
func (m *routes) page(need Right, pattern string, h http.HandlerFunc) {
	m.handle(need, pattern, gzhttp.GzipHandler(h))
}

// routes are all there are. The test has a list of its own of what each needs.
func (s *server) routes() *routes {
	m := &routes{mux: http.NewServeMux(), rights: map[string]Right{}}
	s.routePages(m)
	s.routePublic(m)
	s.routeOwnHealth(m)
	s.routeAPI(m)
	m.handle(Read, "GET /metrics", s.Metrics.ServeHTTP)
	m.handle(readOrDebug, "/probe", s.probe)
	m.handle(Debug, "GET /logs", s.logs)
	m.handle(Debug, "GET /config", s.config)
	m.handle(Debug, "POST /-/reload", s.reload)
	m.handle(Debug, "PUT /-/reload", s.reload)
	m.handle(ownRule, "/environment", s.environment) // its own token, whatever else is open
	if s.Profiling {
		m.handle(Debug, "/debug/pprof/", pprof.Index)
		m.handle(Debug, "/debug/pprof/cmdline", pprof.Cmdline)
		m.handle(Debug, "/debug/pprof/profile", pprof.Profile)
		m.handle(Debug, "/debug/pprof/symbol", pprof.Symbol)
		m.handle(Debug, "/debug/pprof/trace", pprof.Trace)
	}
	return m
}

// routePages has what people look at.
func (s *server) routePages(m *routes) {
	m.page(Read, "GET /{$}", s.overview)
	m.page(Read, "GET /feed.atom", s.feed)
	m.handle(Write, "GET /login", login) // so that a browser asks for the token
	for _, kind := range []string{kindTarget, kindCheck} {
		m.page(Read, "GET /"+kind+"s/{name}", s.subjectPage(kind))
		m.handle(Read, "GET /"+kind+"s/{name}/{file}", s.subjectBadge(kind))
		m.handle(Write, "POST /"+kind+"s/{name}/{file}", s.press(kind))
	}
}

// routePublic has what everybody may see: nothing but what the section public names,
// and what it looks like.
func (s *server) routePublic(m *routes) {
	m.page(open, "GET /assets/{file}", asset)
	m.handle(open, "GET /favicon.svg", favicon)
	m.page(open, "GET /public/{$}", s.publicly(s.publicOverview))
	m.page(open, "GET /public/feed.atom", s.publicly(s.publicFeed))
	for _, kind := range []string{kindTarget, kindCheck} {
		m.page(open, "GET /public/"+kind+"s/{name}", s.publicSubject(kind))
		m.handle(open, "GET /public/"+kind+"s/{name}/{file}", s.publicSubject(kind))
	}
}

// routeOwnHealth has how the exporter itself is.
func (s *server) routeOwnHealth(m *routes) {
	m.handle(open, "/health", s.health)
	m.handle(open, "/livez", s.group(health.Live))
	m.handle(open, "/readyz", s.group(health.Ready))
	m.handle(open, "/startupz", s.group(health.Startup))
	m.handle(open, "GET /-/healthy", s.healthy)
	m.handle(open, "GET /-/ready", s.ready)
	for _, path := range []string{"/healthcheck", "/healthcheck/{$}", "/health-check", "/health-check/{$}"} {
		m.handle(Read, path, s.healthcheck)
	}
	m.handle(Read, "/healthz/{name}", s.healthz)
}

// routeAPI has what programs ask for and change.
func (s *server) routeAPI(m *routes) {
	m.handle(Read, "GET /api/v1/sd", s.serviceDiscovery)
	m.handle(Read, "GET /api/v1/targets", s.listTargets)
	m.handle(Write, "POST /api/v1/targets", s.createTarget)
	m.handle(Read, "GET /api/v1/targets/{app}", s.getTarget)
	m.handle(Write, "PUT /api/v1/targets/{app}", s.putTarget)
	m.handle(Write, "DELETE /api/v1/targets/{app}", s.deleteTarget)
	m.handle(Write, "POST /api/v1/targets/{app}/pause", s.pauseTarget)
	m.handle(Write, "POST /api/v1/targets/{app}/resume", s.resumeTarget)
	m.handle(Write, "POST /api/v1/targets/{app}/probe", s.probeTarget)
	m.handle(Write, "POST /api/v1/targets/{app}/renew", s.renewTarget)
	m.handle(Read, "GET /api/v1/targets/{app}/history", s.targetHistory)
	m.handle(Read, "GET /api/v1/tombstones", s.listTombstones)
	m.handle(Read, "GET /api/v1/checks", s.listChecks)
	m.handle(Read, "GET /api/v1/maintenance", s.listMaintenance)
	m.handle(Write, "POST /api/v1/maintenance", s.addMaintenance)
	m.handle(Write, "DELETE /api/v1/maintenance/{name}", s.removeMaintenance)
	m.handle(Write, "POST /api/v1/beat/{id}", s.beat)
	m.handle(Read, "/api/", s.unknownAPI) // says only that there is nothing
}
