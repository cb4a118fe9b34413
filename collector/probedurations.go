package collector

import (
	"iter"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// probeBounds are the upper bounds of the buckets in seconds: one more series each,
// for every module and result.
var probeBounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60}

// ProbeDurations is a histogram of how long the scheduled probes of targets took,
// per module and result. Noting one allocates nothing and takes no lock.
type ProbeDurations struct {
	vec     *prometheus.HistogramVec
	modules atomic.Pointer[map[string]*moduleDurations] // replaced whole
}

// moduleDurations are the histograms of one module by outcome. Only those that have
// been used are shown.
type moduleDurations [len(probeResults)]struct {
	used      atomic.Bool
	histogram prometheus.Histogram
}

// probeResults are the outcomes that a probe can have, as indexes of moduleDurations.
var probeResults = [...]health.Outcome{health.Pass, health.Warn, health.Fail}

// NewProbeDurations makes an empty histogram, which knows no module. A native one
// has the buckets of a native histogram besides.
func NewProbeDurations(native bool) *ProbeDurations {
	opts := prometheus.HistogramOpts{Name: probeDuration.name, Help: probeDuration.help, Buckets: probeBounds}
	if native {
		opts.NativeHistogramBucketFactor = nativeFactor
		opts.NativeHistogramMaxBucketNumber = nativeMost
		opts.NativeHistogramMinResetDuration = time.Hour
	}
	d := &ProbeDurations{vec: prometheus.NewHistogramVec(opts, probeDuration.labels)}
	d.modules.Store(&map[string]*moduleDurations{})
	return d
}

// Keep says which modules there are. Those that it does not name are forgotten, with
// all that was noted of them; the others go on. It must not be called twice at a time.
func (d *ProbeDurations) Keep(names iter.Seq[string]) {
	old, kept := *d.modules.Load(), map[string]*moduleDurations{}
	for name := range names {
		if kept[name] = old[name]; kept[name] == nil {
			kept[name] = d.of(name)
		}
	}
	d.modules.Store(&kept)
	for name := range old {
		if kept[name] == nil {
			d.vec.DeletePartialMatch(prometheus.Labels{"module": clean(name)})
		}
	}
}

func (d *ProbeDurations) of(module string) *moduleDurations {
	m := new(moduleDurations)
	for i, outcome := range probeResults {
		m[i].histogram = d.vec.WithLabelValues(clean(module), outcome.String()).(prometheus.Histogram)
	}
	return m
}

// Observe notes one probe. It is meant for schedule.Options.
func (d *ProbeDurations) Observe(t *prober.Target, outcome health.Outcome, took time.Duration) {
	m := (*d.modules.Load())[t.ModuleName()]
	if m == nil {
		return // the module went while the probe was under way
	}
	for i := range probeResults {
		if probeResults[i] == outcome {
			m[i].histogram.Observe(took.Seconds())
			if !m[i].used.Load() {
				m[i].used.Store(true)
			}
		}
	}
}

// Describe is part of prometheus.Collector.
func (d *ProbeDurations) Describe(ch chan<- *prometheus.Desc) { d.vec.Describe(ch) }

// Collect is part of prometheus.Collector.
func (d *ProbeDurations) Collect(ch chan<- prometheus.Metric) {
	for _, m := range *d.modules.Load() {
		for i := range m {
			if m[i].used.Load() {
				ch <- m[i].histogram
			}
		}
	}
}
