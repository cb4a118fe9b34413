package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Below a prefix everything is below it, as later.
func TestStartingBelowAPrefix(t *testing.T) {
	for path, want := range map[string]int{"/hx/livez": 200, "/hx/metrics": 503, "/hx/": 503, "/hx/api/v1/targets": 503, "/livez": 404} {
		w := httptest.NewRecorder()
		Starting("/hx/").ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
	w := httptest.NewRecorder()
	Starting("").ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/v1/targets", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" {
		t.Errorf("a registration: %d %v", w.Code, w.Header())
	}
}
