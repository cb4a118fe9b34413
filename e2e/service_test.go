package e2e

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// service is an application that is monitored. Its health can be chosen.
type service struct {
	url    string
	health atomic.Pointer[string]
}

func startService(t *testing.T) *service {
	t.Helper()
	s := new(service)
	s.set("pass")
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// set chooses what the service says of itself: pass, warn or fail.
func (s *service) set(health string) { s.health.Store(&health) }

func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/health" {
		http.NotFound(w, r)
		return
	}
	status := *s.health.Load()
	w.Header().Set("Content-Type", "application/health+json")
	if status == "fail" {
		w.WriteHeader(http.StatusInternalServerError)
	}
	_, _ = w.Write([]byte(`{"status":"` + status + `"}`)) // the prober may have given up
}
