package prober

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// Probes over HTTPS and HTTP/2 leave nothing behind, neither for a minute nor for
// good. They are 2000, or as many as there is time for, since the race detector
// makes handshakes slow; 20 000 with SOAK=1.
func TestHTTPHeapIsFlat(t *testing.T) {
	ca := newAuthority(t)
	target := serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1"), true, func(http.ResponseWriter, *http.Request) {})
	m := httpModule(t, func(p *httpProbe) {
		p.Client.TLSConfig.CAFile, p.ValidHTTPVersions = ca.file, []string{"HTTP/2.0"}
	})
	most, patience := 2000, 3*time.Second
	if testneed.Soak() {
		most, patience = 20_000, 10*time.Minute
	}
	probeFor(t, m, target, 50, patience) // what is made once is there then
	before := liveHeap()
	probes := probeFor(t, m, target, most, patience)
	after := liveHeap()
	// A connection that is kept costs 20 KB and more: a few dozens of them show.
	grown := int64(after) - int64(before)
	t.Logf("%d probes: the live heap went from %d to %d KB", probes, before>>10, after>>10)
	if limit := max(int64(probes)*200, 1<<20); grown > limit {
		t.Errorf("the live heap has grown by %d KB, more than %d KB", grown>>10, limit>>10)
	}
}

// probeFor makes so many probes, a few at a time, if there is time, and says how
// many there were.
func probeFor(t *testing.T, m *Module, target string, most int, patience time.Duration) int {
	t.Helper()
	var wg sync.WaitGroup
	var begun atomic.Int64
	end := time.Now().Add(patience)
	for range 4 {
		wg.Go(func() {
			for time.Now().Before(end) && begun.Add(1) <= int64(most) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				res := m.Probe(ctx, Request{Target: target, Samples: true})
				cancel()
				if res.Outcome != health.Pass {
					t.Error(res.Error)
					return
				}
			}
		})
	}
	wg.Wait()
	return int(min(begun.Load(), int64(most)))
}

// liveHeap is what is still in use after a collection. The server of a test needs
// a moment to see that its last connections are closed.
func liveHeap() uint64 {
	least := ^uint64(0)
	for range 5 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		least = min(least, stats.HeapAlloc)
		time.Sleep(20 * time.Millisecond)
	}
	return least
}
