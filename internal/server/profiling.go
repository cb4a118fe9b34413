package server

import (
	"io"
	"net/http"
	"net/http/pprof"
	"os"
	"strings"

	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/internal/server/access"
)

// routeProfiling has Go's own pages of what a program does. Of those, cmdline would show
// what was given on the command line, secrets too.
func (s *server) routeProfiling(m *routes) {
	for pattern, h := range map[string]http.HandlerFunc{
		"/debug/pprof/": pprof.Index, "/debug/pprof/cmdline": cmdline, "/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol": pprof.Symbol, "/debug/pprof/trace": pprof.Trace,
	} {
		m.handle(access.Debug, pattern, private(h))
	}
}

// cmdline is pprof.Cmdline without secrets.
func cmdline(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, strings.Join(redact.Args(os.Args), "\x00")) // whoever asked is gone then
}

// private keeps what only some may see out of caches, and lets it load and run nothing.
func private(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		setPrivate(w.Header())
		next(w, r)
	}
}

func setPrivate(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
}
