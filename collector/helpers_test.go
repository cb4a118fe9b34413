package collector

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// statuses is a source that, as the scheduler does, gives everyone a list of his own.
type statuses []*schedule.Status

func (s statuses) Snapshot() []*schedule.Status { return slices.Clone(s) }

func newRegistry(tb testing.TB, collectors ...prometheus.Collector) *prometheus.Registry {
	tb.Helper()
	registry := prometheus.NewPedanticRegistry()
	for _, c := range collectors {
		if err := registry.Register(c); err != nil {
			tb.Fatal(err)
		}
	}
	return registry
}

func httpSamples() []prober.Sample {
	phase := func(name string, v float64) prober.Sample {
		return prober.Sample{
			Name: "probe_http_duration_seconds", Help: "Duration of http request by phase, summed over all redirects",
			Labels: []prober.Label{{Name: "phase", Value: name}}, Value: v,
		}
	}
	return []prober.Sample{
		{Name: "probe_success", Help: "Displays whether or not the probe was a success", Value: 1},
		phase("resolve", 0.0001), phase("connect", 0.00042), phase("tls", 0), phase("processing", 0.001), phase("transfer", 0.0002),
		{Name: "probe_duration_seconds", Help: "Returns how long the probe took to complete in seconds", Value: 0.00182},
		{Name: "probe_dns_lookup_time_seconds", Help: "Returns the time taken for probe dns lookup in seconds", Value: 0.0001},
		{Name: "probe_http_status_code", Help: "Response HTTP status code", Value: 200},
		{Name: "probe_http_content_length", Help: "Length of http content response", Value: -1},
		{Name: "probe_http_version", Help: "Returns the version of HTTP of the probe response", Value: 1.1},
		{Name: "probe_ip_protocol", Help: "Specifies whether probe ip protocol is IP4 or IP6", Value: 4},
		{Name: "probe_ip_addr_hash", Help: "Specifies the hash of IP address. It's useful to detect if the IP address changes.", Value: 268435456},
	}
}

func at(ms int64) time.Time { return time.UnixMilli(1764252345000 + ms) }

// fixed is one target of each sort; nothing in it depends on the machine.
func fixed() statuses {
	return statuses{
		{
			Target: &prober.Target{
				App: "api", URL: "https://me:secret@api.example.org:8443/v1?token=secret#x", Module: "http_2xx",
				Source: "api", Group: "shop", Email: "ops@example.org", MailAllowed: true, Interval: 30 * time.Second,
				Labels: map[string]string{
					"room": "attic", "team": "b\"ack\\end\n", "url": "http://elsewhere/", "__hidden": "x", "1st": "x", "größe": "x", "": "x",
				},
			},
			State: health.State{Verdict: health.Healthy, Successes: 14, Passes: 12}, Since: at(-3600_000),
			Probed: true, Up: true, LastProbe: at(123), Latency: 12_345_678 * time.Nanosecond,
			LastHealthy: at(135), StatusCode: 204, CertExpiry: at(86400_000 * 90),
			Passes: 40, Warns: 2, Fails: 3, Failures: [10]uint32{1, 0, 0, 2}, Changes: [4]uint32{0, 2, 1, 0},
			Report: &health.Report{
				Version: "1.2.3", ReleaseID: "1.2.3-4", ServiceID: "f03e522f",
				Checks: map[string][]health.Measurement{
					"cpu:utilization": {
						{ComponentID: "node-1", ObservedValue: 85.5, ObservedUnit: "percent"},
						{ComponentID: "node-2", ObservedValue: 1e300, ObservedUnit: "percent"},
						{ComponentID: "node-1", ObservedValue: 99.0, ObservedUnit: "percent"}, // twice
						{ComponentID: "node-3", ObservedValue: "85", ObservedUnit: "percent"}, // no number
					},
					"uptime":        {{ObservedValue: 86400, ObservedUnit: "s"}},
					"db:":           {{ObservedValue: -0.5}},
					"db:connection": {{ObservedValue: true}, {ObservedValue: nil}},
				},
			},
		},
		{
			Target: &prober.Target{App: "media-centre", Address: "10.0.0.7:8096", Module: "tcp_connect", Source: "config"},
			State:  health.State{Verdict: health.Unhealthy, Failures: 7}, Since: at(-60_000),
			Probed: true, LastProbe: at(0), Latency: 5 * time.Second, LastHealthy: at(-120_500),
			Reason: prober.ReasonTimeout, Error: "no answer in 5s", Fails: 7, Failures: [10]uint32{3: 6, 8: 1},
			Changes: [4]uint32{0, 0, 1, 1}, Skipped: 2, BodyErrors: 1,
		},
		{
			Target: &prober.Target{App: "new", URL: "http://10.0.0.8/", Source: "mdns", Email: "stranger@example.net"},
			Since:  at(-1), FirstProbe: at(3600_000),
		},
		{
			Target: &prober.Target{App: "paused", URL: "http://10.0.0.9/", Source: "config", Paused: true},
			State:  health.State{Verdict: health.Degraded, Failures: 1}, Since: at(-5000), LastHealthy: at(-9000),
		},
		{
			Target: &prober.Target{App: `wörk "so" \n {target="x"} 1`, URL: "http://10.0.0.10/", Source: "config"},
			Since:  at(0), Problem: "no module",
		},
	}
}

// get fetches a page of the handler.
func get(tb testing.TB, h http.Handler, accept string) string {
	tb.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		tb.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

const acceptOpenMetrics = "application/openmetrics-text;version=1.0.0"

// parse reads a page in the text format into series → value, and adds the type
// of each family as `# TYPE name type` → 0.
func parse(tb testing.TB, page string) map[string]float64 {
	tb.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		tb.Fatalf("%v\n%s", err, page)
	}
	all := map[string]float64{}
	for name, f := range families {
		all["# TYPE "+name+" "+f.GetType().String()] = 0
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			slices.Sort(labels)
			key := fmt.Sprintf("%s{%s}", name, strings.Join(labels, ","))
			if _, twice := all[key]; twice {
				tb.Fatalf("%s is given twice", key)
			}
			all[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return all
}

// gathered is what a collector gives, read like a page.
func gathered(tb testing.TB, collectors ...prometheus.Collector) map[string]float64 {
	tb.Helper()
	families, err := newRegistry(tb, collectors...).Gather()
	if err != nil {
		tb.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			tb.Fatal(err)
		}
	}
	return parse(tb, text.String())
}

// typeLine takes the name of the family from a `# TYPE name type`.
func typeLine(key string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(key, "# TYPE ")
	name, _, _ = strings.Cut(rest, " ")
	return name, ok
}
