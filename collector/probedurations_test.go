package collector

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

func withModule(name string) *prober.Target { return &prober.Target{App: "a", Module: name} }

func fixedProbeDurations(native bool) *ProbeDurations {
	d := NewProbeDurations(native)
	d.Keep(slices.Values([]string{"health", "http_2xx", "icmp"}))
	d.Observe(withModule(""), health.Pass, 800*time.Microsecond) // the default: health
	d.Observe(withModule("http_2xx"), health.Pass, 20*time.Millisecond)
	d.Observe(withModule("http_2xx"), health.Fail, 5*time.Second)
	d.Observe(withModule("http_2xx"), health.Fail, time.Hour)
	return d
}

// shown is the page that has the durations, and no targets.
func (d *ProbeDurations) shown(t *testing.T) string {
	t.Helper()
	return get(t, NewPage(statuses{}, newRegistry(t, d), nil), "")
}

func TestProbeDurations(t *testing.T) {
	page := fixedProbeDurations(false).shown(t)
	for _, want := range []string{
		`health_probe_duration_seconds_bucket{module="health",result="pass",le="0.001"} 1`,
		`health_probe_duration_seconds_count{module="http_2xx",result="pass"} 1`,
		`health_probe_duration_seconds_bucket{module="http_2xx",result="fail",le="2.5"} 0`,
		`health_probe_duration_seconds_bucket{module="http_2xx",result="fail",le="15"} 1`,
		`health_probe_duration_seconds_bucket{module="http_2xx",result="fail",le="60"} 1`,
		`health_probe_duration_seconds_bucket{module="http_2xx",result="fail",le="+Inf"} 2`,
		`health_probe_duration_seconds_sum{module="http_2xx",result="fail"} 3605`,
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	// What has never occurred costs no series: no warning, and module icmp is not used.
	for _, no := range []string{`result="warn"`, `module="icmp"`} {
		if strings.Contains(page, no) {
			t.Errorf("there is a series of %s", no)
		}
	}
}

func TestProbeDurationsAreNativeIfAskedFor(t *testing.T) {
	for _, native := range []bool{false, true} {
		page := NewPage(fixed(), newRegistry(t, fixedProbeDurations(native)), nil)
		page.OfferProtobuf()
		h := protobuf(t, page)["health_probe_duration_seconds"].GetMetric()[0].GetHistogram()
		if got := len(h.GetPositiveSpan()) > 0; got != native {
			t.Errorf("native %v: %v", native, h)
		}
		if got := len(h.GetBucket()); got != len(probeBounds) {
			t.Errorf("native %v: %d classic buckets", native, got)
		}
	}
}

func TestProbeDurationsOfModulesThatAreNoMore(t *testing.T) {
	d := fixedProbeDurations(false)
	d.Keep(slices.Values([]string{"http_2xx", "new"}))
	d.Observe(withModule("health"), health.Pass, time.Second) // was under way
	d.Observe(withModule("new"), health.Warn, time.Second)
	page := d.shown(t)
	for _, want := range []string{`_count{module="http_2xx",result="fail"} 2`, `_count{module="new",result="warn"} 1`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
	if strings.Contains(page, `module="health"`) {
		t.Errorf("a module that is no more is still there:\n%s", page)
	}
	d.Keep(slices.Values([]string{"health"}))
	d.Observe(withModule("health"), health.Pass, time.Second)
	if page := d.shown(t); !strings.Contains(page, `_count{module="health",result="pass"} 1`) {
		t.Errorf("a module that is back has more than its one new probe:\n%s", page)
	}
}

// TestProbeDurationsConcurrently is for the race detector: probes, reloads and scrapes
// at once. A probe of a module that is never taken away is always counted.
func TestProbeDurationsConcurrently(t *testing.T) {
	d := NewProbeDurations(true)
	d.Keep(slices.Values([]string{"stays", "comes"}))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				d.Observe(withModule("stays"), health.Pass, time.Millisecond)
				d.Observe(withModule("comes"), health.Fail, time.Millisecond)
			}
		})
	}
	wg.Go(func() {
		for i := range 100 {
			modules := map[string]int{"stays": i}
			if i%2 == 0 {
				modules["comes"] = i
			}
			d.Keep(maps.Keys(modules))
		}
	})
	wg.Go(func() {
		for range 20 {
			d.shown(t)
		}
	})
	wg.Wait()
	if page := d.shown(t); !strings.Contains(page, `_count{module="stays",result="pass"} 2000`) {
		t.Errorf("not 2000 probes of a module that stays:\n%s", page)
	}
}

func TestObservingAProbeAllocatesNothing(t *testing.T) {
	for _, native := range []bool{false, true} {
		d, target := fixedProbeDurations(native), withModule("http_2xx")
		if n := testing.AllocsPerRun(100, func() { d.Observe(target, health.Pass, 20*time.Millisecond) }); n != 0 {
			t.Errorf("native %v: %v allocations", native, n)
		}
	}
}

func BenchmarkObserveProbe(b *testing.B) {
	for _, native := range []bool{false, true} {
		b.Run(fmt.Sprintf("native=%v", native), func(b *testing.B) {
			d, target := fixedProbeDurations(native), withModule("http_2xx")
			b.ReportAllocs()
			for b.Loop() {
				d.Observe(target, health.Pass, 20*time.Millisecond)
			}
		})
	}
}
