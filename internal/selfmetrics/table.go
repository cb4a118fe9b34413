package selfmetrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metric is a family of the page.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string
}

func gauge(name, help string, labels ...string) metric {
	return metric{name, help, prometheus.GaugeValue, labels}
}

func counter(name, help string, labels ...string) metric {
	return metric{name, help, prometheus.CounterValue, labels}
}

func (m metric) desc() *prometheus.Desc { return prometheus.NewDesc(m.name, m.help, m.labels, nil) }

// add adds one series to a metric.
type add func(value float64, labels ...string)

// stat is one line of a table: a metric, and how to read it from what a part says.
type stat[T any] struct {
	metric
	read func(T, add)
}

// part is a part of the exporter with its table.
type part[T any] struct {
	say   func() T
	table []stat[T]
}

// Describe is part of prometheus.Collector.
func (p part[T]) Describe(ch chan<- *prometheus.Desc) {
	for _, line := range p.table {
		ch <- line.desc()
	}
}

// Collect is part of prometheus.Collector. All lines see the part at one moment.
func (p part[T]) Collect(ch chan<- prometheus.Metric) {
	said := p.say()
	for _, line := range p.table {
		desc := line.desc()
		line.read(said, func(value float64, labels ...string) {
			for i := range labels {
				labels[i] = clean(labels[i])
			}
			ch <- prometheus.MustNewConstMetric(desc, line.kind, value, labels...)
		})
	}
}

// clean makes UTF-8 of a label, as Prometheus wants it.
func clean(label string) string { return string([]rune(label)) }

type figure interface {
	~int | ~int64 | ~uint64 | ~float64
}

// one reads a single series.
func one[T any, F figure](get func(T) F) func(T, add) {
	return func(said T, to add) { to(float64(get(said))) }
}

// whether reads a single series of 0 or 1.
func whether[T any](get func(T) bool) func(T, add) {
	return func(said T, to add) { to(truth(get(said))) }
}

// moment reads a single series, which is absent for the zero time.
func moment[T any](get func(T) time.Time) func(T, add) {
	return func(said T, to add) {
		if at := get(said); !at.IsZero() {
			to(timestamp(at))
		}
	}
}

// each reads a series for each key of a map, which is its label.
func each[T any, K ~string, F figure](get func(T) map[K]F) func(T, add) {
	return func(said T, to add) {
		for key, value := range get(said) {
			to(float64(value), string(key))
		}
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// timestamp is a moment in seconds, to the millisecond.
func timestamp(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }
