package alertmanager

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// shop is a service over TLS that tells all it can of itself. Its health can be chosen.
type shop struct {
	url    string
	health atomic.Pointer[string]
}

func startShop(t *testing.T) *shop {
	t.Helper()
	s := new(shop)
	s.set("pass")
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// set chooses what the shop says of itself: pass, warn or fail.
func (s *shop) set(health string) { s.health.Store(&health) }

func (s *shop) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	status := *s.health.Load()
	w.Header().Set("Content-Type", "application/health+json")
	if status == "fail" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write([]byte(`{"status": "` + status + `", "version": "1", "releaseId": "1.2.3",
		"checks": {"cpu:utilization": [{"observedValue": 12.5, "observedUnit": "percent"}]}}`)) // the prober may have given up
}
