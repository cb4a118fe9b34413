package prober

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"github.com/health-exporter/health_exporter/health"
)

func compressed(t *testing.T, coding, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w, _ = flate.NewWriter(&b, 5)
	case "br":
		w = brotli.NewWriter(&b)
	default:
		return []byte(text)
	}
	_, _ = io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHTTPConditions(t *testing.T) {
	const page = "hello world"
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-One", "a")
		w.Header().Add("X-Many", "a")
		w.Header().Add("X-Many", "b")
		w.Header().Set("Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT")
		switch r.URL.Path {
		case "/404":
			w.WriteHeader(http.StatusNotFound)
		case "/204":
			w.WriteHeader(http.StatusNoContent)
			return
		case "/json":
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"a":1}`)
			return
		}
		_, _ = io.WriteString(w, page)
	})
	match := func(header, text string, allow bool) []HeaderMatch {
		return []HeaderMatch{{Header: header, Regexp: re(text), AllowMissing: allow}}
	}
	tests := []struct {
		name, path string
		set        func(p *httpProbe)
		codes      StatusCodes
		reason     Reason
		text       string
		values     map[string]float64
	}{
		{name: "default", values: map[string]float64{
			"probe_http_status_code": 200, "probe_http_content_length": 11, "probe_http_uncompressed_body_length": 11,
			"probe_http_redirects": 0, "probe_http_ssl": 0, "probe_http_version": 1.1, "probe_failed_due_to_regex": 0,
			"probe_failed_due_to_cel": absent, "probe_http_last_modified_timestamp_seconds": 1700000000,
			"probe_ip_protocol": 4, "probe_ip_addr_hash": 3668918509, "probe_ssl_earliest_cert_expiry": absent,
		}},
		{name: "status", path: "/404", reason: ReasonStatus, text: "status 404, want 200-299", values: map[string]float64{"probe_http_status_code": 404, "probe_http_uncompressed_body_length": 11}},
		{name: "2xx", path: "/204", values: map[string]float64{"probe_http_content_length": 0}},
		{name: "valid_status_codes", path: "/404", set: func(p *httpProbe) { p.ValidStatusCodes = StatusCodes{{404, 404}} }},
		{name: "codes of the request", path: "/404", codes: StatusCodes{{400, 499}}},
		{name: "valid_http_versions", set: func(p *httpProbe) { p.ValidHTTPVersions = []string{"HTTP/1.1", "HTTP/2.0"} }},
		{name: "valid_http_versions fails", set: func(p *httpProbe) { p.ValidHTTPVersions = []string{"HTTP/2.0"} }, reason: ReasonBody, text: "answer in HTTP/1.1, want HTTP/2.0"},
		{name: "fail_if_ssl", set: func(p *httpProbe) { p.FailIfSSL = true }},
		{name: "fail_if_not_ssl", set: func(p *httpProbe) { p.FailIfNotSSL = true }, reason: ReasonTLS, text: "answer did not come over TLS"},
		{
			name: "body matches", set: func(p *httpProbe) { p.FailIfBodyMatches = []Regexp{re("xyz"), re("w.rld")} }, reason: ReasonBody, text: `body matches "w.rld"`,
			values: map[string]float64{"probe_failed_due_to_regex": 1, "probe_http_uncompressed_body_length": 11},
		},
		{
			name: "body does not match", set: func(p *httpProbe) { p.FailIfBodyNotMatches = []Regexp{re("hello"), re("moon")} }, reason: ReasonBody, text: `body does not match "moon"`,
			values: map[string]float64{"probe_failed_due_to_regex": 1},
		},
		{name: "body as it should be", set: func(p *httpProbe) {
			p.FailIfBodyMatches, p.FailIfBodyNotMatches = []Regexp{re("moon")}, []Regexp{re("^hello"), re("world$")}
		}, values: map[string]float64{"probe_failed_due_to_regex": 0}},
		{
			name: "no regex after a bad status", path: "/404", set: func(p *httpProbe) { p.FailIfBodyMatches = []Regexp{re("hello")} }, reason: ReasonStatus, text: "status 404, want 200-299",
			values: map[string]float64{"probe_failed_due_to_regex": 0},
		},
		{
			name: "header matches any value", set: func(p *httpProbe) { p.FailIfHeaderMatches = match("x-many", "^b$", false) }, reason: ReasonBody, text: `header X-Many matches "^b$"`,
			values: map[string]float64{"probe_failed_due_to_regex": 1},
		},
		{name: "header does not match", set: func(p *httpProbe) { p.FailIfHeaderMatches = match("X-One", "b", false) }},
		{name: "header not matches", set: func(p *httpProbe) { p.FailIfHeaderNotMatches = match("X-One", "b", false) }, reason: ReasonBody, text: `header X-One does not match "b"`},
		{name: "one of the values suffices", set: func(p *httpProbe) { p.FailIfHeaderNotMatches = match("X-Many", "b", false) }},
		{name: "missing header", set: func(p *httpProbe) { p.FailIfHeaderMatches = match("X-None", "b", false) }, reason: ReasonBody, text: "header X-None is missing", values: map[string]float64{"probe_failed_due_to_regex": 1}},
		{name: "missing header, not matches", set: func(p *httpProbe) { p.FailIfHeaderNotMatches = match("X-None", "b", false) }, reason: ReasonBody, text: "header X-None is missing"},
		{name: "allow_missing", set: func(p *httpProbe) {
			p.FailIfHeaderMatches, p.FailIfHeaderNotMatches = match("X-None", "b", true), match("X-None", "b", true)
		}},
		{name: "body after a bad header", set: func(p *httpProbe) {
			p.FailIfHeaderMatches, p.FailIfBodyMatches = match("X-One", "a", false), []Regexp{re("nothing")}
		}, reason: ReasonBody, text: `header X-One matches "a"`, values: map[string]float64{"probe_failed_due_to_regex": 1}},
		{name: "body_size_limit reached", set: func(p *httpProbe) { p.BodySizeLimit = 11 }, values: map[string]float64{"probe_http_uncompressed_body_length": 11}},
		{name: "body_size_limit exceeded", set: func(p *httpProbe) { p.BodySizeLimit = 10 }, reason: ReasonBody, text: "body is larger than 10B", values: map[string]float64{"probe_http_uncompressed_body_length": 10, "probe_failed_due_to_regex": 0}},
		{
			name: "body_size_limit under a regex", set: func(p *httpProbe) { p.BodySizeLimit, p.FailIfBodyMatches = 10, []Regexp{re("x")} }, reason: ReasonBody, text: "body is larger than 10B",
			values: map[string]float64{"probe_http_uncompressed_body_length": 10, "probe_failed_due_to_regex": 1},
		},
		{name: "largest body_size_limit", set: func(p *httpProbe) { p.BodySizeLimit = 1<<63 - 1 }, values: map[string]float64{"probe_http_uncompressed_body_length": 11}},
		{name: "unknown compression", set: func(p *httpProbe) { p.Compression = "zip" }, reason: ReasonBody, text: `unknown compression "zip"`, values: map[string]float64{"probe_http_uncompressed_body_length": 11}},
		{name: "not compressed", set: func(p *httpProbe) { p.Compression = "gzip" }, reason: ReasonBody, text: "body is not compressed with gzip", values: map[string]float64{"probe_http_uncompressed_body_length": 0}},
		{name: "preferred IPv4", set: func(p *httpProbe) { p.PreferredIPProtocol, p.IPProtocolFallback = "ip4", false }, values: map[string]float64{"probe_ip_protocol": 4}},
		{
			name: "no fallback", set: func(p *httpProbe) { p.IPProtocolFallback = false }, reason: ReasonDNS, text: "looking up 127.0.0.1: no IPv6 address",
			values: map[string]float64{"probe_ip_protocol": 0, "probe_ip_addr_hash": 0, "probe_http_duration_seconds{phase=connect}": absent, "probe_http_status_code": 0},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := httpModule(t, test.set)
			res := probeWithin(t, m, 5*time.Second, Request{Target: target + test.path, Samples: true, StatusCodes: test.codes})
			if res.Reason != test.reason || res.Error != test.text || (res.Outcome == health.Pass) != (test.reason == "") {
				t.Errorf("got %v %q %q, want %q %q", res.Outcome, res.Reason, res.Error, test.reason, test.text)
			}
			if test.values["probe_http_status_code"] != 0 && float64(res.StatusCode) != test.values["probe_http_status_code"] {
				t.Errorf("StatusCode is %d", res.StatusCode)
			}
			checkValues(t, res, test.values)
			scheduled := probeWithin(t, m, 5*time.Second, Request{Target: target + test.path, StatusCodes: test.codes})
			if scheduled.Reason != res.Reason || scheduled.Error != res.Error || scheduled.Samples != nil {
				t.Errorf("without samples: got %+v, want the same result", scheduled)
			}
		})
	}
	res := probeWithin(t, httpModule(t, nil), 5*time.Second, Request{Target: target + "/json"})
	if string(res.Response) != `{"a":1}` {
		t.Errorf("Response is %q", res.Response)
	}
}

func TestHTTPCompression(t *testing.T) {
	text := strings.Repeat("hello ", 1000)
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Values("Accept-Encoding"); len(got) > 0 {
			t.Errorf("Accept-Encoding %q was sent", got)
		}
		_, _ = w.Write(compressed(t, r.URL.Path[1:], text))
	})
	for coding, sent := range map[string]string{"gzip": "gzip", "GZIP": "gzip", "deflate": "deflate", "br": "br", "identity": "", "": ""} {
		m := httpModule(t, func(p *httpProbe) { p.Compression, p.FailIfBodyNotMatches = coding, []Regexp{re("^(hello )+$")} })
		res := probeWithin(t, m, 5*time.Second, Request{Target: target + "/" + sent, Samples: true})
		if res.Outcome != health.Pass {
			t.Errorf("%q: %s", coding, res.Error)
		}
		checkValues(t, res, map[string]float64{"probe_http_uncompressed_body_length": 6000})
	}
	for _, coding := range []string{"gzip", "deflate", "br"} {
		m := httpModule(t, func(p *httpProbe) { p.Compression = coding })
		if res := probeWithin(t, m, 5*time.Second, Request{Target: target + "/"}); res.Reason != ReasonBody {
			t.Errorf("%q: got %s: %s for a body that is not compressed", coding, res.Reason, res.Error)
		}
	}
}
