package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/internal/names"
	"github.com/health-exporter/health_exporter/prober"
)

// problem is an answer that says what went wrong (RFC 9457).
type problem api.Problem

func fieldFaults(list []*prober.FieldError) []api.Fault {
	faults := make([]api.Fault, len(list))
	for i, f := range list {
		faults[i] = api.Fault{Field: f.Path, Detail: f.Detail}
	}
	return faults
}

func (p *problem) write(w http.ResponseWriter) {
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	writeJSON(w, p.Status, "application/problem+json", p)
}

func refuse(w http.ResponseWriter, status int, detail string) {
	(&problem{Status: status, Detail: detail}).write(w)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the answer could not be encoded: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

// unknownAPI says that there is nothing at a path of the API, and what there is.
func (m *routes) unknownAPI(w http.ResponseWriter, r *http.Request) {
	var known []string
	for pattern := range m.rights {
		if _, path, ok := strings.Cut(pattern, " "); ok && strings.HasPrefix(path, "/api/v1/") && !slices.Contains(known, path) {
			known = append(known, path)
		}
	}
	slices.Sort(known)
	last := make([]string, len(known))
	for i, path := range known {
		last[i] = strings.TrimPrefix(path, "/api/v1/")
	}
	path := shortened(r.URL.Path)
	refuse(w, http.StatusNotFound, fmt.Sprintf("there is nothing at %s; there is %s%s",
		path, strings.Join(known, ", "), names.DidYouMean(strings.TrimPrefix(path, "/api/v1/"), last)))
}

// problemMethods answers wrong methods of the API in its own form. The mux knows
// the allowed methods, but answers in plain text.
func problemMethods(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			mux.ServeHTTP(w, r)
			return
		}
		if _, pattern := mux.Handler(r); pattern != "/api/" && pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
			probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
			if _, found := mux.Handler(probe); found != "/api/" && found != "" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			mux.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		refuse(w, http.StatusMethodNotAllowed, "allowed here: "+strings.Join(allowed, ", "))
	})
}
