package registry

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// BenchmarkOpen opens a directory with so many targets, each with a state of
// so many transitions.
func BenchmarkOpen(b *testing.B) {
	for _, size := range []struct{ targets, transitions int }{{10_000, 3}, {10_000, 50}, {100_000, 3}} {
		b.Run(fmt.Sprintf("targets=%d/transitions=%d", size.targets, size.transitions), func(b *testing.B) {
			dir := b.TempDir()
			c := newContents("x")
			for i := range size.targets {
				t := api(fmt.Sprintf("app-%06d", i))
				t.RegisteredAt = now()
				c.targets[key{prober.SourceAPI, t.App}] = &t
				c.states[t.App] = state(size.transitions)
			}
			buildFile(b, filepath.Join(dir, fileDB), c)
			b.ReportAllocs()
			for b.Loop() {
				r := open(b, Options{Path: dir})
				if len(r.Targets()) != size.targets {
					b.Fatal("targets are lost")
				}
				b.StopTimer()
				b.ReportMetric(float64(r.Stats().Bytes)/1e6, "MB-file")
				shut(b, r)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkRebuild writes the whole file anew, as after damage.
func BenchmarkRebuild(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("targets=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			c := newContents("x")
			for i := range n {
				t := api(fmt.Sprintf("app-%06d", i))
				c.targets[key{prober.SourceAPI, t.App}] = &t
				c.states[t.App] = state(3)
			}
			for b.Loop() {
				buildFile(b, filepath.Join(dir, fileDB), c)
			}
		})
	}
}

// BenchmarkPut registers one after another, and reports percentiles.
func BenchmarkPut(b *testing.B) {
	r := open(b, Options{Path: b.TempDir()})
	var took []time.Duration
	i := 0
	for b.Loop() {
		begin := time.Now()
		put(b, r, api(fmt.Sprint("app-", i)))
		took = append(took, time.Since(begin))
		i++
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkPutParallel registers from 64 goroutines at once.
func BenchmarkPutParallel(b *testing.B) {
	r := open(b, Options{Path: b.TempDir()})
	b.SetParallelism(32)
	var n atomic.Int64
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			put(b, r, api(fmt.Sprint("app-", n.Add(1))))
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
}

// BenchmarkSave writes 50 changed states of 10 000, as happens every second.
func BenchmarkSave(b *testing.B) {
	r := open(b, Options{Path: b.TempDir()})
	all := map[string]*schedule.Saved{}
	for _, app := range numbered(10_000) {
		all[app] = state(50)
	}
	if err := r.Save(all); err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		some := map[string]*schedule.Saved{}
		for range 50 {
			some[fmt.Sprintf("app-%04d", i*7919%10_000)] = state(50)
			i++
		}
		if err := r.Save(some); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReplace reloads an unchanged configuration of 10 000 targets.
func BenchmarkReplace(b *testing.B) {
	r := open(b, Options{})
	targets := from("http://x", numbered(10_000)...)
	b.ReportAllocs()
	for b.Loop() {
		r.Replace("config", targets)
		r.Targets()
	}
}
