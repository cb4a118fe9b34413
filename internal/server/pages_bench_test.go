package server

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/prober"
)

func BenchmarkOverview(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := newFixture(b)
			states := map[string]health.Verdict{}
			for i := range n {
				states[fmt.Sprintf("app-%05d", i)] = health.Verdict(1 + i%50/48)
			}
			f.remember(states)
			f.show(states)
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				w := f.do("GET", "/", "", "Accept-Encoding", "gzip")
				size = w.Body.Len()
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}

// crowd is a fixture with n targets in 40 groups, of which two in a hundred are not
// healthy.
func crowd(b testing.TB, n int) *fixture {
	f := newFixture(b)
	states := map[string]health.Verdict{}
	for i := range n {
		states[fmt.Sprintf("app-%06d", i)] = health.Verdict(1 + i%50/48)
	}
	f.show(states, func(t *prober.Target) { t.Group = fmt.Sprintf("group-%02s", t.App[len(t.App)-2:]) })
	targets := make([]prober.Target, 0, n)
	for _, st := range f.scheduler.Snapshot() {
		targets = append(targets, *st.Target)
	}
	f.registry.Replace("config", targets)
	return f
}

// void is who takes an answer and keeps nothing but its length.
type void struct {
	header http.Header
	status int
	bytes  int
	writes int
	most   int // in one piece
}

func (v *void) Header() http.Header    { return v.header }
func (v *void) WriteHeader(status int) { v.status = status }
func (v *void) Write(p []byte) (int, error) {
	v.bytes, v.writes, v.most = v.bytes+len(p), v.writes+1, max(v.most, len(p))
	return len(p), nil
}

// answered asks for a path and gives how the answer came.
func (f *fixture) answered(path string) *void {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr, r.Host = f.from, f.host
	v := &void{header: http.Header{}}
	f.handler.ServeHTTP(v, r)
	return v
}

// BenchmarkAnswers are what programs and people ask for most, of many targets.
func BenchmarkAnswers(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		var f *fixture
		for _, each := range []struct{ name, path string }{
			{"overview", "/"},
			{"overview of a group", "/?group=group-48"},
			{"overview of a search", "/?q=app-0777"},
			{"page of a target", "/targets/app-000777"},
			{"feed", "/feed.atom"},
			{"status", "/api/v1/status"},
			{"first page", "/api/v1/targets?limit=100"},
			{"page of a filter", "/api/v1/targets?limit=100&state=troubled&group=group-48"},
			{"names", "/api/v1/targets?fields=app"},
			{"whole list", "/api/v1/targets"},
			{"service discovery", "/api/v1/sd"},
		} {
			b.Run(fmt.Sprint(each.name, "/", n), func(b *testing.B) {
				if f == nil {
					f = crowd(b, n)
				}
				b.ReportAllocs()
				var v *void
				for b.Loop() {
					v = f.answered(each.path)
				}
				if strings.HasPrefix(each.path, "/api/") && v.most > 2*listBuffer || v.status >= 300 {
					b.Errorf("status %d, %d bytes in one piece", v.status, v.most)
				}
				b.ReportMetric(float64(v.bytes), "bytes")
			})
		}
	}
}

// remember gives everybody 30 days with 30 bad times, some of them on the last day.
func (f *fixture) remember(states map[string]health.Verdict) {
	f.t.Helper()
	began := time.Now().Add(-30 * 24 * time.Hour)
	clock := func() time.Time { return began }
	past, err := history.OpenAt(history.Options{}, func() time.Time { return clock() })
	if err != nil {
		f.t.Fatal(err)
	}
	clock = time.Now
	r := rand.New(rand.NewPCG(1, 2))
	for app := range states {
		at := began
		for range 30 {
			past.Note(app, at, history.Healthy)
			at = at.Add(time.Duration(600+r.IntN(1500)) * time.Minute)
			past.Note(app, at, []history.State{history.Unhealthy, history.Degraded, history.Unknown}[r.IntN(3)])
			at = at.Add(time.Duration(1+r.IntN(60)) * time.Minute)
		}
	}
	if err := f.history.Close(); err != nil {
		f.t.Fatal(err)
	}
	f.history = past
	deps := f.deps
	deps.History = past
	f.handler = New(deps)
}
