package collector

import (
	"io"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/prober"
)

// WriteSamples writes the samples of an ad-hoc probe in the text format, its
// families in order of their names. A family's help is that of its first sample.
// The media type is TextContentType.
func WriteSamples(w io.Writer, samples []prober.Sample) error {
	_, err := w.Write(samplesText(samples))
	return err
}

func samplesText(samples []prober.Sample) []byte {
	sorted := slices.Clone(samples)
	slices.SortStableFunc(sorted, func(a, b prober.Sample) int { return strings.Compare(a.Name, b.Name) })
	b := make([]byte, 0, 192*len(sorted))
	for i := range sorted {
		s := &sorted[i]
		if i == 0 || s.Name != sorted[i-1].Name {
			b = appendHead(b, s.Name, s.Help, "gauge")
		}
		b = append(b, s.Name...)
		before := byte('{')
		for _, l := range s.Labels {
			b = appendLabel(b, before, l.Name, clean(l.Value))
			before = ','
		}
		if len(s.Labels) > 0 {
			b = append(b, '}')
		}
		b = appendSample(b, "", "", " ", float(s.Value))
	}
	return b
}
