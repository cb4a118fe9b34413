package collector

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// countingResponse is a client that reads and forgets.
type countingResponse struct {
	header http.Header
	bytes  int64
}

func (c *countingResponse) Header() http.Header         { return c.header }
func (c *countingResponse) WriteHeader(int)             {}
func (c *countingResponse) Write(p []byte) (int, error) { c.bytes += int64(len(p)); return len(p), nil }

// fleet makes n ordinary targets, each of which has been probed.
func fleet(n int) statuses {
	list := make(statuses, n)
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(n) { // as scattered in memory as after some hours
		now := time.UnixMilli(1764252345123 + int64(i)*7)
		list[i] = &schedule.Status{
			Target: &prober.Target{
				App:    fmt.Sprintf("service-%06d", i),
				URL:    fmt.Sprintf("http://10.%d.%d.%d:8080/", i>>16, i>>8&255, i&255),
				Module: "health", Source: "config", Group: "bench",
			},
			State: health.State{Verdict: health.Healthy, Successes: 400, Passes: 400},
			Since: now.Add(-time.Hour), Probed: true, Up: true, LastProbe: now,
			Latency: time.Duration(400+i%977) * time.Microsecond, StatusCode: 200,
			LastHealthy: now, Passes: uint64(400 + i%10), Changes: [4]uint32{0, 1, 0, 0},
		}
	}
	return list
}

// BenchmarkPage writes whole pages into nothing. Besides the usual it reports
// how long and how many lines a page is, and the highest heap above idle.
func BenchmarkPage(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		for _, format := range []string{"text", "openmetrics", "gzip"} {
			b.Run(fmt.Sprintf("targets=%d/%s", n, format), func(b *testing.B) { benchmarkPage(b, n, format) })
		}
	}
}

func benchmarkPage(b *testing.B, n int, format string) {
	page := NewPage(fleet(n), nil, nil)
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	switch format {
	case "openmetrics":
		r.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	case "gzip":
		r.Header.Set("Accept-Encoding", "gzip")
	}
	w := &countingResponse{header: http.Header{}}
	page.ServeHTTP(w, r) // renders the labels
	idle, peak := heap(true), watchHeap()
	b.ReportAllocs()
	b.ResetTimer()
	pages := 0
	for b.Loop() {
		w.bytes = 0
		page.ServeHTTP(w, r)
		pages++
	}
	b.StopTimer()
	b.ReportMetric(float64(w.bytes), "bytes/page")
	b.ReportMetric(float64(peak()-min(idle, peak()))/1e6, "peak-MB-above-idle")
}

func heap(collect bool) uint64 {
	if collect {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// watchHeap looks at the heap every few milliseconds until the returned
// function asks for the highest value seen.
func watchHeap() func() uint64 {
	stop, done := make(chan struct{}), make(chan uint64, 1)
	go func() {
		highest := uint64(0)
		for {
			select {
			case <-stop:
				done <- highest
				return
			case <-time.After(5 * time.Millisecond):
				highest = max(highest, heap(false))
			}
		}
	}()
	return sync.OnceValue(func() uint64 { close(stop); return <-done })
}

func BenchmarkWriteSamples(b *testing.B) {
	samples := httpSamples()
	b.ReportAllocs()
	for b.Loop() {
		if err := WriteSamples(io.Discard, samples); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkServeSamples answers one ad-hoc probe, as Prometheus asks for it.
func BenchmarkServeSamples(b *testing.B) {
	samples := httpSamples()
	for name, accept := range map[string]string{"text": "text/plain;version=0.0.4;q=0.3,*/*;q=0.2", "openmetrics": acceptOpenMetrics} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/probe", nil)
			r.Header.Set("Accept", accept)
			r.Header.Set("Accept-Encoding", "gzip")
			b.ReportAllocs()
			for b.Loop() {
				if err := ServeSamples(&countingResponse{header: http.Header{}}, r, samples); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNewTargets(b *testing.B) {
	b.Run("targets=10000", func(b *testing.B) {
		registry := newRegistry(b, NewTargets(fleet(10_000)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := registry.Gather(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
