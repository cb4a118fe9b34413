package scale

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/health-exporter/health_exporter/internal/testneed"
)

const (
	interval     = time.Minute
	window       = time.Minute // in which probes are counted
	registering  = 10 * time.Second
	perSecond    = 300 // registrations
	connections  = 32  // over which they come
	scrapes      = 3
	fewerTargets = 10 // times fewer, as much more often: as many probes
)

// TestScale measures the program with very many targets, and with a tenth of them that are
// probed ten times as often, and prints what it costs beside what it may cost. It fails
// only if something does not work at all: what it measures is that of this machine.
func TestScale(t *testing.T) {
	n := testneed.Scale(t)
	f := startFarm(t)
	few := startExporter(t, f, n/fewerTargets, interval/fewerTargets)
	small := few.probing(f, n/fewerTargets, interval/fewerTargets)
	few.Kill()
	e := startExporter(t, f, n, interval)
	m := e.probing(f, n, interval)
	registration, p99 := e.registrations(f, m.perProbe)
	scrape, size := e.scrapes(f, m.perProbe)
	rss := e.rss()

	table := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', 0)
	row := func(what, budget, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\t%s\n", what, fmt.Sprintf(format, args...), budget)
	}
	fmt.Fprintf(table, "%d targets @ %s\tmeasured\tbudget at 100 000 on two cores\n", n, interval)
	row("probes made", "100 %", "%.2f %%", m.made*100)
	row("CPU per probe", "≤ 1.15 × that of the fewer", "%d µs, %.2f × the %d µs of %d @ %s", m.perProbe.Microseconds(),
		float64(m.perProbe)/float64(small.perProbe), small.perProbe.Microseconds(), n/fewerTargets, interval/fewerTargets)
	row("lateness p99", "≤ 10 ms", "%.1f ms (%.1f ms)", m.p99*1000, small.p99*1000)
	row("memory, at work; after registrations and scrapes", "≤ 400 MB", "%.0f MB (%.0f MB); %.0f MB", m.rss, small.rss, rss)
	row("answers after the start", "≤ 200 ms", "%d ms", e.answered.Milliseconds())
	row("ready after the start", "≤ 3 s", "%.1f s", e.ready.Seconds())
	row(fmt.Sprintf("a registration, CPU, at %d/s", perSecond), "≤ 1 ms", "%.2f ms", float64(registration.Microseconds())/1000)
	row("a registration, p99", "≤ 50 ms", "%.1f ms", float64(p99.Microseconds())/1000)
	row("/metrics as text, CPU", "≤ 450 ms", "%d ms for %.1f MB", scrape.Milliseconds(), float64(size)/1e6)
	row("disk, per target", "≤ 1 kB", "%d B", e.disk()/int64(n))
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
}

// probed is what probes cost.
type probed struct {
	perProbe time.Duration // CPU
	made     float64       // the share of the probes that were due
	p99      float64       // of lateness, in seconds
	rss      float64
}

// probing waits until each target was probed, and measures from then on.
func (e *exporter) probing(f *farm, n int, interval time.Duration) (m probed) {
	time.Sleep(2*interval + 5*time.Second) // after its first probe each comes into step
	bounds, before := e.lateness()
	time.Sleep(2 * time.Second) // the page is written
	begin, cpu, answered := time.Now(), e.cpu(), f.answered.Load()
	time.Sleep(window)
	took, used, probes := time.Since(begin), e.cpu()-cpu, f.answered.Load()-answered
	m.rss = e.rss()
	_, after := e.lateness()
	m.p99 = quantile(bounds, before, after, 0.99)
	m.perProbe = used / time.Duration(max(probes, 1))
	m.made = float64(probes) / (float64(n) * took.Seconds() / interval.Seconds())
	if m.made < 0.5 {
		e.t.Errorf("only %d probes of %d targets in %v", probes, n, took)
	}
	return m
}

// quantile is that of what has come to a histogram, evenly spread within its buckets.
func quantile(bounds, before, after []float64, q float64) float64 {
	all := after[len(after)-1] - before[len(before)-1]
	low, lower := 0.0, 0.0
	for i, bound := range bounds {
		count := after[i] - before[i]
		if count >= q*all && count > lower {
			return low + (bound-low)*(q*all-lower)/(count-lower)
		}
		low, lower = bound, count
	}
	return low
}

// above is the CPU that doing something costs, each of so many times, above what the probes
// that are made meanwhile do.
func (e *exporter) above(f *farm, perProbe time.Duration, times int, do func()) time.Duration {
	used, answered := e.cpu(), f.answered.Load()
	do()
	probes := f.answered.Load() - answered
	return (e.cpu() - used - time.Duration(probes)*perProbe) / time.Duration(times)
}

// registrations come evenly, as many a second as there may be.
func (e *exporter) registrations(f *farm, perProbe time.Duration) (cpu, p99 time.Duration) {
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(e.t.Context(), 3*registering)
	defer cancel()
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var waiting sync.WaitGroup
	n := int(registering.Seconds()) * perSecond
	cpu = e.above(f, perProbe, n, func() {
		begin := time.Now()
		for i := range n {
			due := begin.Add(time.Duration(i) * time.Second / perSecond)
			time.Sleep(time.Until(due))
			waiting.Go(func() {
				err := e.register(ctx, client, i, f.url(i))
				mu.Lock()
				defer mu.Unlock()
				if took = append(took, time.Since(due)); err != nil {
					failed = err
				}
			})
		}
		waiting.Wait()
		time.Sleep(time.Second) // until they are on the schedule
	})
	if failed != nil {
		e.t.Errorf("registering: %v", failed)
	}
	slices.Sort(took)
	return cpu, took[len(took)*99/100]
}

// scrapes are read as text, one after the other.
func (e *exporter) scrapes(f *farm, perProbe time.Duration) (cpu time.Duration, size int64) {
	cpu = e.above(f, perProbe, scrapes, func() {
		for range scrapes {
			size = e.scrape()
		}
	})
	return cpu, size
}
