package harness

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// Service is an application that is monitored. Its health can be chosen.
type Service struct {
	URL    string
	health atomic.Pointer[string]
}

// StartService starts one that says pass.
func StartService(t *testing.T) *Service {
	t.Helper()
	s := new(Service)
	s.Set("pass")
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Set chooses what the service says of itself: pass, warn or fail.
func (s *Service) Set(health string) { s.health.Store(&health) }

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
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
