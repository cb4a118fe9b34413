package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/prober"
)

// targets gives a table of families as const metrics.
type targets struct {
	source   Source
	families []family
	label    string             // of each series: target or check
	descs    []*prometheus.Desc // as families; nil where the labels differ from target to target
}

// NewTargets gives the families of the targets to a client_golang registry, for
// programs that serve their metrics with it. Do not hand it to a Page, which
// has them already.
func NewTargets(source Source) prometheus.Collector { return newTable(source, families, "target") }

func newTable(source Source, families []family, label string) *targets {
	t := &targets{source: source, families: families, label: label, descs: make([]*prometheus.Desc, len(families))}
	for i := range families {
		f := &families[i]
		labels := []string{label}
		switch {
		case f.describe != nil:
			continue
		case f.count != nil:
			labels = nil
		case f.nth != nil:
			labels = append(labels, f.label)
		case f.series != nil:
			labels = append(labels, f.labels...)
		}
		t.descs[i] = newDesc(f.name, f.help, f.unit, labels...)
	}
	return t
}

// Describe sends nothing: health_target_info has the labels that the targets
// bring along, so this collector cannot be checked beforehand.
func (t *targets) Describe(chan<- *prometheus.Desc) {}

func (t *targets) Collect(ch chan<- prometheus.Metric) {
	list := t.source.Snapshot()
	var scratch series
	for i := range t.families {
		f := &t.families[i]
		if f.count != nil {
			ch <- newMetric(t.descs[i], f.kind, f.count(list))
			continue
		}
		for _, s := range list {
			app := clean(s.Target.App)
			switch {
			case f.value != nil:
				if v, ok := f.value(s); ok {
					ch <- newMetric(t.descs[i], f.kind, v, app)
				}
			case f.nth != nil:
				for j, word := range f.words {
					if v, ok := f.nth(s, j); ok {
						ch <- newMetric(t.descs[i], f.kind, v, app, word)
					}
				}
			case f.series != nil:
				scratch.reset()
				f.series(&scratch, s)
				for j, v := range scratch.numbers {
					values := scratch.values[j*len(f.labels) : (j+1)*len(f.labels)]
					ch <- newMetric(t.descs[i], f.kind, v, append([]string{app}, values...)...)
				}
			case f.describe != nil:
				ch <- infoMetric(f, s.Target, app)
			}
		}
	}
}

func infoMetric(f *family, t *prober.Target, app string) prometheus.Metric {
	names, values := []string{"target"}, []string{app}
	for _, l := range f.describe(t) {
		names, values = append(names, l.name), append(values, l.value)
	}
	return newMetric(newDesc(f.name, f.help, f.unit, names...), f.kind, integer(1), values...)
}

func newDesc(name, help, unit string, labels ...string) *prometheus.Desc {
	return prometheus.V2.NewDesc(name, help, prometheus.UnconstrainedLabels(labels), nil, prometheus.WithUnit(unit))
}

// newMetric panics if the labels do not fit the description: both are ours.
func newMetric(desc *prometheus.Desc, k kind, v number, labels ...string) prometheus.Metric {
	valueType := prometheus.GaugeValue
	if k == counter {
		valueType = prometheus.CounterValue
	}
	return prometheus.MustNewConstMetric(desc, valueType, v.float(), labels...)
}
