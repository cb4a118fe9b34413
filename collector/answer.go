package collector

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/health-exporter/health_exporter/prober"
)

// zipFrom is the size from which the answer of an ad-hoc probe is compressed.
// Below, compressing costs more than it saves.
const zipFrom = 4 << 10

// ServeSamples answers with the samples of an ad-hoc probe in the format that
// the client likes best: text, OpenMetrics or protobuf, compressed if it is
// worth it.
func ServeSamples(w http.ResponseWriter, r *http.Request, samples []prober.Sample) error {
	format := expfmt.NegotiateAccept(r.Header, expfmt.FmtText, expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtOpenMetrics_0_0_1, expfmt.FmtProtoDelim)
	var page []byte
	var err error
	if strings.HasPrefix(string(format), "text/plain;") {
		format = TextContentType
		page = samplesText(samples)
	} else if page, err = encodeSamples(format, samples); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", string(format))
	header.Set("Vary", "Accept, Accept-Encoding")
	if len(page) < zipFrom || !acceptsGzip(r.Header) {
		_, err = w.Write(page)
		return err
	}
	header.Set("Content-Encoding", "gzip")
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := z.Write(page); err != nil {
		return err
	}
	return z.Close()
}

// encodeSamples writes the formats that few ask for, through the common encoder.
func encodeSamples(format expfmt.Format, samples []prober.Sample) ([]byte, error) {
	var page bytes.Buffer
	encoder := expfmt.NewEncoder(&page, format)
	for _, family := range familiesOf(samples) {
		if err := encoder.Encode(family); err != nil {
			return nil, err
		}
	}
	if closer, ok := encoder.(expfmt.Closer); ok {
		if err := closer.Close(); err != nil {
			return nil, err
		}
	}
	return page.Bytes(), nil
}

// familiesOf groups samples by name, in order of the names.
func familiesOf(samples []prober.Sample) []*dto.MetricFamily {
	sorted := slices.Clone(samples)
	slices.SortStableFunc(sorted, func(a, b prober.Sample) int { return strings.Compare(a.Name, b.Name) })
	var list []*dto.MetricFamily
	for _, s := range sorted {
		if len(list) == 0 || list[len(list)-1].GetName() != s.Name {
			list = append(list, &dto.MetricFamily{
				Name: new(s.Name), Help: new(s.Help), Type: dto.MetricType_GAUGE.Enum(),
			})
		}
		m := &dto.Metric{Gauge: &dto.Gauge{Value: new(s.Value)}}
		for _, l := range s.Labels {
			m.Label = append(m.Label, &dto.LabelPair{Name: new(l.Name), Value: new(clean(l.Value))})
		}
		last := list[len(list)-1]
		last.Metric = append(last.Metric, m)
	}
	return list
}
