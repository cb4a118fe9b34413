package main

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/health-exporter/health_exporter/client"
)

// TestRegistryHonoursTheVariable: the exporter of the environment is asked, unless the
// command line says otherwise.
func TestRegistryHonoursTheVariable(t *testing.T) {
	var asked atomic.Int64
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"targets": []}`))
	}))
	defer exporter.Close()
	t.Setenv(client.URLVariable, exporter.URL)
	t.Setenv("HEALTH_EXPORTER_STORAGE_PATH", t.TempDir())
	for _, test := range []struct {
		asks bool
		args []string
	}{
		{true, []string{"registry", "dump"}},
		{false, []string{"registry", "dump", "--storage.path", t.TempDir()}},
		{false, []string{"registry", "dump", "--url="}},
		{false, []string{"registry", "dump", "--url=http://127.0.0.1:1"}},
	} {
		before := asked.Load()
		run(test.args)
		if asks := asked.Load() > before; asks != test.asks {
			t.Errorf("%q: asks %v, want %v", test.args, asks, test.asks)
		}
	}
}
