package collector

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

const acceptProtobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain;version=0.0.4;q=0.5"

func fixedDurations() *HTTPDurations {
	d := NewHTTPDurations()
	d.Of("http_2xx")(20 * time.Millisecond)
	d.Of("http_2xx")(3 * time.Second)
	return d
}

func TestDurationsInProtobuf(t *testing.T) {
	page := NewPage(fixed(), newRegistry(t, fixedDurations()), nil)
	page.OfferProtobuf()
	families := protobuf(t, page)
	h := families["probe_http_duration"].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 2 || len(h.GetPositiveSpan()) != 2 || h.GetSampleSum() != 3.02 {
		t.Errorf("not a native histogram of two observations: %v", h)
	}
	if got := len(families["health_target_up"].GetMetric()); got == 0 {
		t.Error("the targets are missing")
	}
	got, want := map[string]bool{}, map[string]bool{}
	for name := range families {
		got[name] = true
	}
	for series := range parse(t, get(t, page, "")) {
		if name, ok := typeLine(series); ok {
			want[name] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("families in text (-) and protobuf (+):\n%s", diff)
	}
}

func TestProtobufOnlyIfOffered(t *testing.T) {
	page := get(t, NewPage(fixed(), newRegistry(t, fixedDurations()), nil), acceptProtobuf)
	if !strings.Contains(page, `probe_http_duration_count{module="http_2xx"} 2`) {
		t.Errorf("no text with a count:\n%s", page)
	}
}

func TestForgottenDurations(t *testing.T) {
	d := fixedDurations()
	d.Forget("http_2xx")
	if got := gathered(t, d); len(got) != 0 {
		t.Errorf("there is still %v", got)
	}
}

func protobuf(t *testing.T, page http.Handler) map[string]*dto.MetricFamily {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", acceptProtobuf)
	w := httptest.NewRecorder()
	page.ServeHTTP(w, r)
	families := map[string]*dto.MetricFamily{}
	decoder := expfmt.NewDecoder(bytes.NewReader(w.Body.Bytes()), expfmt.ResponseFormat(w.Header()))
	for {
		var f dto.MetricFamily
		if decoder.Decode(&f) != nil {
			return families
		}
		families[f.GetName()] = &f
	}
}
