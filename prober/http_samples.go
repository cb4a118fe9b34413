package prober

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// samples are the metrics of this probe.
func (r *httpRun) samples() []Sample {
	resp := r.resp
	if resp == nil {
		resp = &http.Response{}
	}
	version, _ := strconv.ParseFloat(strings.TrimPrefix(resp.Proto, "HTTP/"), 64)
	s := make([]Sample, 0, 24)
	if r.looked {
		s = addressSamples(s, r.addr, r.lookup)
	}
	s = append(s,
		gauge("probe_http_status_code", "Response HTTP status code", float64(resp.StatusCode)),
		gauge("probe_http_content_length", "Length of http content response", float64(resp.ContentLength)),
		gauge("probe_http_uncompressed_body_length", "Length of uncompressed response body", float64(r.bodyBytes)),
		gauge("probe_http_redirects", "The number of redirects", float64(r.redirects)),
		gauge("probe_http_ssl", "Indicates if SSL was used for the final redirect", boolValue(resp.TLS != nil)),
		gauge("probe_http_version", "Returns the version of HTTP of the probe response", version),
		gauge("probe_failed_due_to_regex", "Indicates if probe failed due to regex", boolValue(r.regexFailed)),
	)
	if r.matchesJSON() {
		s = append(s, gauge("probe_failed_due_to_cel", "Indicates if probe failed due to CEL expression not matching", boolValue(r.celFailed)))
	}
	s = r.phaseSamples(s)
	if !r.lastModified.IsZero() {
		s = append(s, gauge("probe_http_last_modified_timestamp_seconds",
			"Returns the Last-Modified HTTP response header in unixtime", float64(r.lastModified.Unix())))
	}
	if resp.TLS != nil {
		s = tlsSamples(s, resp.TLS, true)
	}
	return refusedSamples(s, r.lost)
}

func (r *httpRun) phaseSamples(s []Sample) []Sample {
	phases := phasesOf(r.traces, r.lookup)
	add := func(phase string, d time.Duration) {
		s = append(s, gauge("probe_http_duration_seconds", "Duration of http request by phase, summed over all redirects",
			d.Seconds(), Label{"phase", phase}))
	}
	if r.looked || phases.resolve > 0 {
		add("resolve", phases.resolve)
	}
	if r.asked {
		add("connect", phases.connect)
		add("tls", phases.tls)
		add("processing", phases.processing)
		add("transfer", phases.transfer)
	}
	return s
}
