package server

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/history"
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
