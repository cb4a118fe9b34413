package schedule

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// BenchmarkSnapshot reads what is known of so many targets, the statuses of which lie
// scattered in memory as after some hours.
func BenchmarkSnapshot(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint("targets=", n), func(b *testing.B) {
			s, module := New(Options{}), passing()
			jobs := make([]Job, n)
			for i := range jobs {
				jobs[i] = Job{Target: target(fmt.Sprintf("target-%06d", i), 10*time.Second), Module: module}
			}
			s.Sync(jobs)
			for _, i := range rand.Perm(n) {
				s.find(jobs[i].Target.App).apply(&prober.Result{Outcome: health.Pass})
			}
			b.ReportAllocs()
			for b.Loop() {
				if list := s.Snapshot(); len(list) != n {
					b.Fatalf("%d targets", len(list))
				}
			}
		})
	}
}
