//go:build unix

package app

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/prober"
)

// BenchmarkStart starts with so many targets, of the file or registered, until all are on
// the schedule.
func BenchmarkStart(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint("file=", n), func(b *testing.B) {
			var text strings.Builder
			text.WriteString("targets:\n")
			for i := range n {
				fmt.Fprintf(&text, "  - {app: t%06d, url: 'http://127.1.%d.%d:23080/', interval: 60s}\n", i, i>>8&255, i&255)
			}
			file := filepath.Join(b.TempDir(), "a.yml")
			write(b, file, text.String())
			startAgain(b, Options{ConfigFile: file, StoragePath: b.TempDir()}, n)
		})
		b.Run(fmt.Sprint("registered=", n), func(b *testing.B) {
			dir := b.TempDir()
			a := startIdle(b, Options{StoragePath: dir})
			list := make([]prober.Target, n)
			for i := range list {
				list[i] = prober.NewTarget()
				list[i].App, list[i].URL = fmt.Sprintf("t%06d", i), "http://127.0.0.1:1/"
				list[i].Owner, list[i].From = "anonymous", prober.FromOwnHost
			}
			if err := a.storage.Load(list); err != nil {
				b.Fatal(err)
			}
			a.polling.reconcile()
			if err := a.saveStates(); err != nil {
				b.Fatal(err)
			}
			if err := a.parts.close(); err != nil {
				b.Fatal(err)
			}
			startAgain(b, Options{StoragePath: dir}, n)
		})
	}
}

func startAgain(b *testing.B, opts Options, n int) {
	b.ReportAllocs()
	begin := cpuTime()
	for b.Loop() {
		a := startIdle(b, opts)
		if got := len(a.polling.scheduler.Snapshot()); got != n {
			b.Fatalf("%d targets", got)
		}
		b.StopTimer()
		if err := a.parts.close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64((cpuTime()-begin).Milliseconds())/float64(b.N), "cpu-ms/op")
}
