package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Buckets of native histograms are a tenth apart, and at most so many.
const (
	nativeFactor = 1.1
	nativeMost   = 160
)

// HTTPDurations is a native histogram of how long probes over HTTP take, per
// module. Prometheus gets its buckets over protobuf only; the other formats show
// sum and count.
type HTTPDurations struct{ vec *prometheus.HistogramVec }

// NewHTTPDurations makes an empty histogram. Its buckets are a tenth apart, and
// at most 160 per module: then they become coarser, or are begun anew after an hour.
func NewHTTPDurations() *HTTPDurations {
	return &HTTPDurations{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: httpDuration.name, Help: httpDuration.help,
		NativeHistogramBucketFactor:     nativeFactor,
		NativeHistogramMaxBucketNumber:  nativeMost,
		NativeHistogramMinResetDuration: time.Hour,
	}, httpDuration.labels)}
}

// Of is where to note durations of one module.
func (d *HTTPDurations) Of(module string) func(time.Duration) {
	observer := d.vec.WithLabelValues(clean(module))
	return func(took time.Duration) { observer.Observe(took.Seconds()) }
}

// Forget drops a module that is no more.
func (d *HTTPDurations) Forget(module string) { d.vec.DeleteLabelValues(clean(module)) }

// Describe is part of prometheus.Collector.
func (d *HTTPDurations) Describe(ch chan<- *prometheus.Desc) { d.vec.Describe(ch) }

// Collect is part of prometheus.Collector.
func (d *HTTPDurations) Collect(ch chan<- prometheus.Metric) { d.vec.Collect(ch) }
