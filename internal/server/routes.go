package server

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/server/access"
)

// routes is a mux that knows which right each of its routes needs.
type routes struct {
	mux    *http.ServeMux
	rights map[string]access.Right // by pattern
	// anyName has the patterns that are answered under any name.
	anyName map[string]bool
}

// handle adds a route, and says what it needs.
func (m *routes) handle(need access.Right, pattern string, h http.HandlerFunc) {
	m.rights[pattern] = need
	m.mux.HandleFunc(pattern, h)
}

// page adds a route whose answers are worth compressing.
func (m *routes) page(need access.Right, pattern string, h http.HandlerFunc) {
	m.handle(need, pattern, gzhttp.GzipHandler(h))
}

// underAnyName has routes answered whatever name a request was sent to: they show no more
// than a stranger's page may make a browser find out, and change nothing.
func (m *routes) underAnyName(patterns ...string) {
	for _, pattern := range patterns {
		m.anyName[pattern] = true
	}
}

// routes are all there are. The test has a list of its own of what each needs.
func (s *server) routes() *routes {
	m := &routes{mux: http.NewServeMux(), rights: map[string]access.Right{}, anyName: map[string]bool{}}
	s.routePages(m)
	s.routePublic(m)
	s.routeOwnHealth(m)
	s.routeAPI(m)
	m.handle(access.Read, "GET /metrics", s.Metrics.ServeHTTP)
	m.handle(readOrDebug, "/probe", s.probe)
	m.handle(access.Debug, "GET /logs", private(s.logs))
	m.handle(access.Debug, "GET /config", private(s.config))
	m.handle(access.Debug, "POST /-/reload", s.reload)
	m.handle(access.Debug, "PUT /-/reload", s.reload)
	m.handle(ownRule, "/environment", s.environment) // its own token, whatever else is open
	if s.Profiling {
		s.routeProfiling(m)
	}
	m.underAnyName(
		"GET /metrics", "/probe", "GET /api/v1/sd", // for Prometheus, which has names of its own for us
		"/health", "/livez", "/readyz", "/startupz", "GET /-/healthy", "GET /-/ready", "/healthz/{name}",
		"/healthcheck", "/healthcheck/{$}", "/health-check", "/health-check/{$}",
		"GET /targets/{name}/{file}", "GET /checks/{name}/{file}", // badges, which pages elsewhere show
	)
	return m
}

// routePages has what people look at.
func (s *server) routePages(m *routes) {
	m.page(access.Read, "GET /{$}", s.overview)
	m.page(access.Read, "GET /feed.atom", s.feed)
	m.handle(access.Write, "GET /login", login) // so that a browser asks for the token
	for _, kind := range []string{kindTarget, kindCheck} {
		m.page(access.Read, "GET /"+kind+"s/{name}", s.subjectPage(kind))
		m.handle(access.Read, "GET /"+kind+"s/{name}/{file}", s.subjectBadge(kind))
		m.handle(access.Write, "POST /"+kind+"s/{name}/{file}", s.press(kind))
	}
}

// routePublic has what everybody may see: nothing but what the section public names,
// and what it looks like.
func (s *server) routePublic(m *routes) {
	m.page(access.Open, "GET /assets/{file}", asset)
	m.handle(access.Open, "GET /favicon.svg", favicon)
	public := func(add func(access.Right, string, http.HandlerFunc), pattern string, h http.HandlerFunc) {
		add(access.Open, pattern, h)
		m.underAnyName(pattern)
	}
	public(m.page, "GET /public/{$}", s.publicly(s.publicOverview))
	public(m.page, "GET /public/feed.atom", s.publicly(s.publicFeed))
	public(m.page, "GET /public/assets/{file}", asset)
	public(m.handle, "GET /public/favicon.svg", favicon)
	for _, kind := range []string{kindTarget, kindCheck} {
		public(m.page, "GET /public/"+kind+"s/{name}", s.publicSubject(kind))
		public(m.handle, "GET /public/"+kind+"s/{name}/{file}", s.publicSubject(kind))
	}
}

// routeOwnHealth has how the exporter itself is.
func (s *server) routeOwnHealth(m *routes) {
	m.handle(access.Open, "/health", s.health)
	m.handle(access.Open, "/livez", s.group(health.Live))
	m.handle(access.Open, "/readyz", s.group(health.Ready))
	m.handle(access.Open, "/startupz", s.group(health.Startup))
	m.handle(access.Open, "GET /-/healthy", healthy)
	m.handle(access.Open, "GET /-/ready", s.ready)
	for _, path := range []string{"/healthcheck", "/healthcheck/{$}", "/health-check", "/health-check/{$}"} {
		m.handle(access.Read, path, s.healthcheck)
	}
	m.handle(access.Read, "/healthz/{name}", s.healthz)
}

// routeAPI has what programs ask for and change.
func (s *server) routeAPI(m *routes) {
	m.handle(access.Read, "GET /api/v1/status", s.status)
	m.handle(access.Read, "GET /api/v1/events", s.events)
	m.handle(access.Read, "GET /api/v1/sd", s.serviceDiscovery)
	m.handle(access.Read, "GET /api/v1/targets", s.listTargets)
	m.handle(access.Write, "POST /api/v1/targets", s.createTarget)
	m.handle(access.Read, "GET /api/v1/targets/{app}", s.getTarget)
	m.handle(access.Write, "PUT /api/v1/targets/{app}", s.putTarget)
	m.handle(access.Write, "DELETE /api/v1/targets/{app}", s.deleteTarget)
	m.handle(access.Write, "POST /api/v1/targets/{app}/pause", s.pauseTarget)
	m.handle(access.Write, "POST /api/v1/targets/{app}/resume", s.resumeTarget)
	m.handle(access.Write, "POST /api/v1/targets/{app}/probe", s.probeTarget)
	m.handle(access.Write, "POST /api/v1/targets/{app}/renew", s.renewTarget)
	m.handle(access.Read, "GET /api/v1/targets/{app}/history", s.targetHistory)
	m.handle(access.Read, "GET /api/v1/tombstones", s.listTombstones)
	m.handle(access.Read, "GET /api/v1/checks", s.listChecks)
	m.handle(access.Read, "GET /api/v1/maintenance", s.listMaintenance)
	m.handle(access.Write, "POST /api/v1/maintenance", s.addMaintenance)
	m.handle(access.Write, "DELETE /api/v1/maintenance/{name}", s.removeMaintenance)
	m.handle(access.Write, "POST /api/v1/beat/{id}", s.beat)
	m.handle(access.Read, "/api/", m.unknownAPI) // says only that there is nothing
}
