//go:build unix

package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

func cpuTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// startIdle is an exporter that neither probes nor listens to anybody.
func startIdle(b *testing.B, opts Options) *App {
	b.Helper()
	opts.Web, opts.Log = webFlags("127.0.0.1:0"), slog.New(slog.DiscardHandler)
	a, err := New(opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.parts.close() })
	return a
}

// BenchmarkRegistration registers, pauses, resumes and removes targets over the API,
// among so many, and reports what each call costs until it is on the schedule.
func BenchmarkRegistration(b *testing.B) {
	for _, n := range []int{0, 10_000, 100_000} {
		b.Run(fmt.Sprint("targets=", n), func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "a.yml")
			write(b, file, "registration: {max_targets: 1000000, max_targets_per_owner: 1000000}\n")
			a := startIdle(b, Options{ConfigFile: file, StoragePath: b.TempDir()})
			list := make([]prober.Target, n)
			for i := range list {
				list[i] = prober.NewTarget()
				list[i].App, list[i].URL, list[i].Paused = fmt.Sprintf("t%06d", i), "http://127.0.0.1:1/", true
				list[i].Owner, list[i].From = "anonymous", prober.FromOwnHost
			}
			if err := a.storage.Load(list); err != nil {
				b.Fatal(err)
			}
			a.polling.reconcile()
			var took []time.Duration
			handler := a.handler()
			ask := func(method, path, body string) {
				r := httptest.NewRequest(method, "http://localhost/api/v1/targets"+path, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				r.RemoteAddr = "127.0.0.1:1234"
				w := httptest.NewRecorder()
				begin := time.Now()
				handler.ServeHTTP(w, r)
				a.polling.reconcile()
				if took = append(took, time.Since(begin)); w.Code >= http.StatusMultipleChoices {
					b.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
				}
			}
			begin := cpuTime()
			for i := 0; b.Loop(); i++ {
				app := fmt.Sprintf("t%06d-x", i)
				ask("POST", "", `{"app": "`+app+`", "url": "http://127.0.0.1:1/", "initial_delay": 300}`)
				ask("POST", "/"+app+"/pause", "")
				ask("POST", "/"+app+"/resume", "")
				ask("DELETE", "/"+app, "")
			}
			b.ReportMetric(float64((cpuTime()-begin).Microseconds())/float64(len(took)), "cpu-µs/call")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
