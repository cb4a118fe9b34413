package collector

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/health-exporter/health_exporter/prober"
)

func answered(t *testing.T, samples []prober.Sample, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/probe", nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	if err := ServeSamples(w, r, samples); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestServeSamplesFormats(t *testing.T) {
	samples := []prober.Sample{
		{Name: "probe_success", Help: "Success", Value: 1},
		{Name: "probe_phase", Help: "Phase", Labels: []prober.Label{{Name: "phase", Value: `a"b`}}, Value: 2},
	}
	if w := answered(t, samples); w.Header().Get("Content-Type") != TextContentType || !strings.Contains(w.Body.String(), "\nprobe_success 1\n") {
		t.Errorf("text: %s %s", w.Header().Get("Content-Type"), w.Body)
	}
	w := answered(t, samples, "Accept", "application/openmetrics-text;version=1.0.0")
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "application/openmetrics-text") || !strings.HasSuffix(w.Body.String(), "# EOF\n") {
		t.Errorf("OpenMetrics: %s %s", w.Header().Get("Content-Type"), w.Body)
	}
	w = answered(t, samples, "Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	decoder := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header()))
	var first, second dto.MetricFamily
	if err := decoder.Decode(&first); err != nil {
		t.Fatal(err)
	}
	if err := decoder.Decode(&second); err != nil {
		t.Fatal(err)
	}
	if first.GetName() != "probe_phase" || first.GetMetric()[0].GetLabel()[0].GetValue() != `a"b` || second.GetMetric()[0].GetGauge().GetValue() != 1 {
		t.Errorf("protobuf: %v %v", &first, &second)
	}
}

func TestServeSamplesZipsOnlyLargeAnswers(t *testing.T) {
	small := []prober.Sample{{Name: "probe_success", Value: 1}}
	if w := answered(t, small, "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "" {
		t.Error("a small answer was compressed")
	}
	var large []prober.Sample
	for range 500 {
		large = append(large, prober.Sample{Name: "probe_x", Help: "X", Value: 1})
	}
	w := answered(t, large, "Accept-Encoding", "gzip")
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil || strings.Count(string(text), "probe_x 1\n") != 500 {
		t.Errorf("%v, %d bytes", err, len(text))
	}
}
