package server

import (
	"cmp"
	"net/http"
	"strings"
)

// Starting is what is answered until the exporter has loaded what it is to work on: that
// it lives and is not ready, and to all else to come again. To /metrics too: a page without
// the targets would be a successful scrape, from which the shipped rules learn that all of
// them were unregistered. The prefix is Exporter.RoutePrefix.
func Starting(prefix string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /-/healthy", healthy)
	mux.HandleFunc("/livez", plainly(http.StatusOK, "ok"))
	mux.HandleFunc("/readyz", plainly(http.StatusServiceUnavailable, "[-]exporter-ready failed: starting\nreadyz check failed\n"))
	mux.HandleFunc("/startupz", plainly(http.StatusServiceUnavailable, "[-]exporter-ready failed: starting\nstartupz check failed\n"))
	mux.HandleFunc("GET /-/ready", plainly(http.StatusServiceUnavailable, "Not ready: starting\n"))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "the exporter is starting and has not loaded everything yet; try again in a moment")
	})
	if prefix = cmp.Or(prefix, "/"); prefix == "/" {
		return safeHeaders(mux)
	}
	return safeHeaders(http.StripPrefix(strings.TrimSuffix(prefix, "/"), mux))
}

func plainly(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		if status != http.StatusOK {
			h.Set("Retry-After", "1")
		}
		w.WriteHeader(status)
		w.Write([]byte(text))
	}
}
