package prober

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

// httpModule makes a module of kind http; set may change its options.
func httpModule(t testing.TB, set func(p *httpProbe)) *Module {
	t.Helper()
	m, err := NewModule(ModuleSource{Kind: "http", Decode: func(into any) error {
		if set != nil {
			set(into.(*httpProbe))
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// valuesOf makes samples comparable: "name{label="value"}" to value.
func valuesOf(samples []Sample) map[string]float64 {
	values := map[string]float64{}
	for _, s := range samples {
		key := s.Name
		for i, l := range s.Labels {
			key += map[bool]string{true: "{", false: ","}[i == 0] + l.Name + "=" + l.Value
		}
		if len(s.Labels) > 0 {
			key += "}"
		}
		values[key] = s.Value
	}
	return values
}

// check compares some of the metrics of a probe; NaN-free -999 means absent.
const absent = -999

func checkValues(t *testing.T, res Result, want map[string]float64) {
	t.Helper()
	got := valuesOf(res.Samples)
	for name, value := range want {
		v, ok := got[name]
		switch {
		case value == absent && ok:
			t.Errorf("%s is %g, want it absent", name, v)
		case value != absent && (!ok || v != value):
			t.Errorf("%s is %g (there: %v), want %g", name, v, ok, value)
		}
	}
}

func re(text string) Regexp {
	var r Regexp
	if err := r.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return r
}

func TestHTTPRequest(t *testing.T) {
	type seen struct {
		Method, URI, Host, Body string
		Header                  http.Header
	}
	got := make(chan seen, 1)
	target := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Header.Del("User-Agent")
		r.Header.Del("Connection")
		got <- seen{r.Method, r.RequestURI, r.Host, string(body), r.Header}
	})
	host := strings.TrimPrefix(target, "http://")
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, target, hostname string
		set                    func(p *httpProbe)
		want                   seen
	}{
		{name: "default", target: host, want: seen{"GET", "/", host, "", http.Header{}}},
		{name: "upper case", target: "HTTP://" + host + "/a?b=c", want: seen{"GET", "/a?b=c", host, "", http.Header{}}},
		{name: "method and body", set: func(p *httpProbe) { p.Method, p.Body = "POST", "x=1" }, want: seen{"POST", "/", host, "x=1", http.Header{"Content-Length": {"3"}}}},
		{name: "custom method", set: func(p *httpProbe) { p.Method = "pUrge" }, want: seen{"pUrge", "/", host, "", http.Header{}}},
		{name: "body_file", set: func(p *httpProbe) { p.Method, p.BodyFile = "PUT", file }, want: seen{"PUT", "/", host, "from a file", http.Header{}}},
		{
			name: "headers", set: func(p *httpProbe) { p.Headers = map[string]string{"x-a": "1", "host": "other.example"} },
			want: seen{"GET", "/", "other.example", "", http.Header{"X-A": {"1"}}},
		},
		{
			name: "hostname", hostname: "third.example", set: func(p *httpProbe) { p.Headers = map[string]string{"Host": "other.example"} },
			want: seen{"GET", "/", "third.example", "", http.Header{}},
		},
		{name: "http_headers", set: func(p *httpProbe) {
			p.Client.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"x-a": {Values: []string{"1"}, Secrets: []config.Secret{"2"}, Files: []string{file}}}}
		}, want: seen{"GET", "/", host, "", http.Header{"X-A": {"1", "2", "from a file"}}}},
		{
			name: "basic_auth", set: func(p *httpProbe) { p.Client.BasicAuth = &config.BasicAuth{Username: "u", Password: "p"} },
			want: seen{"GET", "/", host, "", http.Header{"Authorization": {"Basic dTpw"}}},
		},
		{
			name: "authorization", set: func(p *httpProbe) { p.Client.Authorization = &config.Authorization{CredentialsFile: file} },
			want: seen{"GET", "/", host, "", http.Header{"Authorization": {"Bearer from a file"}}},
		},
		{
			name: "bearer_token_file", set: func(p *httpProbe) { p.Client.BearerTokenFile = file },
			want: seen{"GET", "/", host, "", http.Header{"Authorization": {"Bearer from a file"}}},
		},
		{name: "header wins", set: func(p *httpProbe) {
			p.Headers = map[string]string{"authorization": "mine"}
			p.Client.BearerToken = "x"
		}, want: seen{"GET", "/", host, "", http.Header{"Authorization": {"mine"}}}},
		{name: "userinfo", target: "http://u:p@" + host, want: seen{"GET", "/", host, "", http.Header{"Authorization": {"Basic dTpw"}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.target == "" {
				test.target = target
			}
			res := probeWithin(t, httpModule(t, test.set), 5*time.Second, Request{Target: test.target, Hostname: test.hostname})
			if res.Outcome != health.Pass {
				t.Fatal(res.Error)
			}
			if diff := cmp.Diff(test.want, <-got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for name, set := range map[string]func(p *httpProbe){
		"missing body_file": func(p *httpProbe) { p.BodyFile = file + "x" },
		"bad method":        func(p *httpProbe) { p.Method = "A B" },
		"missing password":  func(p *httpProbe) { p.Client.BasicAuth = &config.BasicAuth{PasswordFile: file + "x"} },
	} {
		if res := probeWithin(t, httpModule(t, set), time.Second, Request{Target: target}); res.Reason != ReasonInternal {
			t.Errorf("%s: got %+v", name, res)
		}
	}
	agent := ""
	target = serve(t, func(_ http.ResponseWriter, r *http.Request) { agent = r.UserAgent() + r.Header.Get("Connection") })
	_ = probeWithin(t, httpModule(t, nil), 5*time.Second, Request{Target: target})
	if !strings.HasPrefix(agent, "health_exporter/") || !strings.HasSuffix(agent, "close") {
		t.Errorf("User-Agent and Connection are %q", agent)
	}
}

func TestHTTPMetricsOfBadTargets(t *testing.T) {
	m := httpModule(t, nil)
	m.spec.(*httpProbe).dialer.resolver = fakeDNS(t, nil)
	res := probeWithin(t, m, time.Second, Request{Target: "http://a b", Samples: true})
	names := func(res Result) (list []string) {
		for name := range valuesOf(res.Samples) {
			list = append(list, name)
		}
		slices.Sort(list)
		return list
	}
	always := []string{
		"probe_failed_due_to_regex", "probe_http_content_length", "probe_http_redirects", "probe_http_ssl",
		"probe_http_status_code", "probe_http_uncompressed_body_length", "probe_http_version",
	}
	if diff := cmp.Diff(always, names(res)); diff != "" {
		t.Errorf("no URL (-want +got):\n%s", diff)
	}
	res = probeWithin(t, m, time.Second, Request{Target: "ftp://x", Samples: true})
	want := slices.Concat(always, []string{"probe_dns_lookup_time_seconds", "probe_http_duration_seconds{phase=resolve}", "probe_ip_addr_hash", "probe_ip_protocol"})
	slices.Sort(want)
	if diff := cmp.Diff(want, names(res)); diff != "" || res.Reason != ReasonDNS {
		t.Errorf("no address: %s (-want +got):\n%s", res.Error, diff)
	}
	for _, s := range res.Samples {
		if s.Help == "" {
			t.Errorf("%s has no help", s.Name)
		}
	}
}

func TestHTTPModuleFaults(t *testing.T) {
	tests := map[string]func(p *httpProbe){
		"enable_http3: cannot be used together with HTTP/2: set enable_http2: false": func(p *httpProbe) { p.EnableHTTP3 = true },
		"valid_http_versions: HTTP/1.1 cannot be the answer to enable_http3: true": func(p *httpProbe) {
			p.EnableHTTP3, p.Client.EnableHTTP2, p.ValidHTTPVersions = true, false, []string{"HTTP/3.0", "HTTP/1.1"}
		},
		"valid_http_versions: HTTP/3.0 needs enable_http3: true": func(p *httpProbe) { p.ValidHTTPVersions = []string{"HTTP/3.0"} },
		"body_file: cannot be used together with body":           func(p *httpProbe) { p.Body, p.BodyFile = "a", "b" },
		"fail_if_header_matches[0].header: must be set":          func(p *httpProbe) { p.FailIfHeaderMatches = []HeaderMatch{{Regexp: re("a")}} },
		"fail_if_header_not_matches[1].regexp: must be set": func(p *httpProbe) {
			p.FailIfHeaderNotMatches = []HeaderMatch{{Header: "a", Regexp: re("a")}, {Header: "b"}}
		},
		"headers.a b: is not a valid header name":          func(p *httpProbe) { p.Headers = map[string]string{"a b": "c"} },
		"headers.a: has a line break or control character": func(p *httpProbe) { p.Headers = map[string]string{"a": "c\r\nd: e"} },
		`compression: "gzip" does not go with the header Accept-Encoding: br`: func(p *httpProbe) {
			p.Headers, p.Compression = map[string]string{"accept-encoding": "br"}, "gzip"
		},
	}
	for want, set := range tests {
		_, err := NewModule(ModuleSource{Kind: "http", Decode: func(into any) error { set(into.(*httpProbe)); return nil }})
		var field *FieldError
		if err == nil || err.Error() != want || !errors.As(err, &field) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	m := httpModule(t, func(p *httpProbe) { p.Headers = map[string]string{"hOST": "a.example"} })
	if got := m.HostHeader(); got != "a.example" {
		t.Errorf("HostHeader is %q", got)
	}
	if got := healthModule(t, nil).HostHeader(); got != "" {
		t.Errorf("HostHeader of kind health is %q", got)
	}
}

func TestAcceptable(t *testing.T) {
	for _, test := range []struct {
		coding, header string
		want           bool
	}{
		{"gzip", "gzip", true},
		{"gzip", "br, gzip", true},
		{"gzip", "br;q=1.0, gzip;q=0.9", true},
		{"gzip", "*", true},
		{"gzip", "br, *;q=0", false},
		{"gzip", "gzip;q=0.0, *", true},
		{"gzip", "gzip;q=0", false},
		{"gzip", "br", false},
		{"", "br", true},
		{"gzip", "", true},
		{"GZIP", "gzip", true},
		{"gzip", "*;q=0.5, gzip;q=0", true},
	} {
		if got := acceptable(test.coding, test.header); got != test.want {
			t.Errorf("%s in %q: got %v", test.coding, test.header, got)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{"512B": 512, "1KB": 1024, "10MiB": 10 << 20, "0": 0, "1GB": 1 << 30} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"1000", "10kB", "", "x", "1 MB"} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}
