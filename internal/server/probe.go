package server

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// defaultProbeModule is what /probe uses when no module is named.
const defaultProbeModule = "http_2xx"

// probe answers an ad-hoc probe as blackbox_exporter does: a failed probe is a
// good answer with probe_success 0. It touches no state.
func (s *server) probe(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	settings := s.Settings()
	name := cmp.Or(query.Get("module"), defaultProbeModule)
	module, ok := settings.Modules[name]
	if !ok {
		http.Error(w, fmt.Sprintf("Unknown module %q", name), http.StatusBadRequest)
		return
	}
	timeout, err := probeTimeout(r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"), module.Timeout(), s.TimeoutOffset)
	if err != nil {
		http.Error(w, fmt.Sprintf("Failed to parse timeout from Prometheus header: %s", err), http.StatusInternalServerError)
		return
	}
	target := query.Get("target")
	if target == "" {
		http.Error(w, "Target parameter is missing", http.StatusBadRequest)
		return
	}
	hostname := query.Get("hostname")
	if configured := module.HostHeader(); hostname != "" && configured != "" && configured != hostname {
		http.Error(w, fmt.Sprintf("Host header defined both in module configuration (%s) and with URL-parameter 'hostname' (%s)",
			configured, hostname), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	res := module.Probe(ctx, prober.Request{
		Target: target, Hostname: hostname, Network: settings.Network, Samples: true,
		Log: s.Log.With("module", name, "target", target),
	})
	s.Log.Debug("probe finished", "module", name, "target", target, "success", res.Outcome != health.Fail,
		"duration", res.Duration, "reason", string(res.Reason), "err", res.Error)

	var page bytes.Buffer
	if err := collector.WriteSamples(&page, append(res.Samples, commonSamples(&res, timeout)...)); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", collector.TextContentType)
	w.Write(page.Bytes())
}

// commonSamples are the metrics that every probe has, whatever its kind.
func commonSamples(res *prober.Result, timeout time.Duration) []prober.Sample {
	success := 1.0
	if res.Outcome == health.Fail {
		success = 0
	}
	samples := []prober.Sample{
		{Name: "probe_success", Help: "Displays whether or not the probe was a success", Value: success},
		{Name: "probe_duration_seconds", Help: "Returns how long the probe took to complete in seconds", Value: res.Duration.Seconds()},
		{Name: "probe_timeout_seconds", Help: "Returns the timeout of the probe in seconds", Value: timeout.Seconds()},
	}
	if res.Outcome == health.Fail {
		samples = append(samples, prober.Sample{
			Name: "probe_failure_info", Help: "Why the probe failed, and in which phase. Absent if it did not fail.", Value: 1,
			Labels: []prober.Label{{Name: "reason", Value: string(res.Reason)}, {Name: "phase", Value: string(res.Phase)}},
		})
	}
	return samples
}

// probeTimeout is the deadline of an ad-hoc probe: what Prometheus announces (120 s
// if nothing) less the offset, or the module's own timeout if that is shorter.
func probeTimeout(header string, module, offset time.Duration) (time.Duration, error) {
	announced := 0.0
	if header != "" {
		var err error
		if announced, err = strconv.ParseFloat(header, 64); err != nil {
			return 0, err
		}
	}
	if announced == 0 {
		announced = 120
	}
	limit := announced - offset.Seconds()
	if own := module.Seconds(); own < limit && own > 0 || limit < 0 {
		return module, nil
	}
	return time.Duration(limit * float64(time.Second)), nil
}
