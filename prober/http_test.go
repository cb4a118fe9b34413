package prober

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
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

func TestHTTPRedirects(t *testing.T) {
	var asked []string // one request at a time
	answer := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		name, _, _ := net.SplitHostPort(r.Host)
		asked = append(asked, fmt.Sprintf("%s %s%s %s auth=%s key=%s accept=%s cookie=%s", r.Method, name, r.URL.Path, body,
			r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), r.Header.Get("Accept"), r.Header.Get("Cookie")))
		var code int
		var to string
		if _, err := fmt.Sscanf(r.URL.RawQuery, "%d", &code); err == nil {
			to = r.URL.RawQuery[min(4, len(r.URL.RawQuery)):]
			if to != "" {
				to, _ = url.QueryUnescape(to)
				w.Header().Set("Location", to)
			}
			if strings.Contains(r.URL.Path, "cookie") {
				http.SetCookie(w, &http.Cookie{Name: "c", Value: "1"})
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, "moved")
			return
		}
		_, _ = io.WriteString(w, "done")
	}
	base := serve(t, answer)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	resolver := fakeDNS(t, map[string][][]string{
		"one.example": {{"127.0.0.1"}}, "two.example": {{"127.0.0.1"}}, "bad.example": {{"169.254.169.254"}},
	})
	one, two := "http://one.example:"+port, "http://two.example:"+port
	secret := func(p *httpProbe) {
		p.Client.BasicAuth = &config.BasicAuth{Username: "u", Password: "p"}
		p.Headers = map[string]string{"X-Api-Key": "k", "Accept": "*/*"}
	}
	q := url.QueryEscape
	const withKey = "auth=Basic dTpw key=k accept=*/* cookie="
	tests := []struct {
		name, target, hostname string
		set                    func(p *httpProbe)
		asked                  []string
		status                 int
		redirects              float64
		reason                 Reason
		values                 map[string]float64
	}{
		{name: "relative", target: one + "/a?302=" + q("/b"), asked: []string{"GET one.example/a  " + withKey, "GET one.example/b  " + withKey}, status: 200, redirects: 1},
		{name: "same host", target: one + "/a?301=" + q(one+"/b"), asked: []string{"GET one.example/a  " + withKey, "GET one.example/b  " + withKey}, status: 200, redirects: 1},
		{name: "other host", target: one + "/a?301=" + q(two+"/b"), asked: []string{"GET one.example/a  " + withKey, "GET two.example/b  auth= key= accept=*/* cookie="}, status: 200, redirects: 1},
		{
			name: "there and back", target: one + "/a?302=" + q(two+"/b?302="+q(one+"/c")),
			asked: []string{"GET one.example/a  " + withKey, "GET two.example/b  auth= key= accept=*/* cookie=", "GET one.example/c  auth= key= accept=*/* cookie="}, status: 200, redirects: 2,
		},
		{name: "subdomain is another host", target: one + "/a?302=" + q("http://x.one.example/"), asked: []string{"GET one.example/a  " + withKey}, redirects: 1, reason: ReasonDNS},
		{
			name: "303 makes POST a GET", target: one + "/a?303=" + q("/b"), set: func(p *httpProbe) { secret(p); p.Method, p.Body = "POST", "x" },
			asked: []string{"POST one.example/a x " + withKey, "GET one.example/b  " + withKey}, status: 200, redirects: 1,
		},
		{
			name: "307 keeps POST", target: one + "/a?307=" + q("/b"), set: func(p *httpProbe) { secret(p); p.Method, p.Body = "POST", "x" },
			asked: []string{"POST one.example/a x " + withKey, "POST one.example/b x " + withKey}, status: 200, redirects: 1,
		},
		{
			name: "HEAD stays HEAD", target: one + "/a?301=" + q("/b"), set: func(p *httpProbe) { secret(p); p.Method = "HEAD" },
			asked: []string{"HEAD one.example/a  " + withKey, "HEAD one.example/b  " + withKey}, status: 200, redirects: 1,
		},
		{name: "cookies", target: one + "/cookie?302=" + q("/b"), asked: []string{"GET one.example/cookie  " + withKey, "GET one.example/b  " + withKey + "c=1"}, status: 200, redirects: 1},
		{name: "cookies of another host", target: one + "/cookie?302=" + q(two), asked: []string{"GET one.example/cookie  " + withKey, "GET two.example/  auth= key= accept=*/* cookie="}, status: 200, redirects: 1},
		{name: "hostname, relative", target: base + "/a?302=" + q("/b"), hostname: "one.example:1", asked: []string{"GET one.example/a  " + withKey, "GET one.example/b  " + withKey}, status: 200, redirects: 1},
		{name: "hostname, absolute", target: base + "/a?302=" + q(one+"/b"), hostname: "one.example:" + port, asked: []string{"GET one.example/a  " + withKey, "GET one.example/b  " + withKey}, status: 200, redirects: 1},
		{name: "hostname lost", target: base + "/a?302=" + q(base+"/b"), hostname: "one.example:1", asked: []string{"GET one.example/a  " + withKey, "GET 127.0.0.1/b  " + withKey}, status: 200, redirects: 1},
		{
			name: "not followed", target: one + "/a?302=" + q("/b"), set: func(p *httpProbe) { secret(p); p.Client.FollowRedirects = false },
			asked: []string{"GET one.example/a  " + withKey}, status: 302, redirects: 1, reason: ReasonStatus, values: map[string]float64{"probe_http_uncompressed_body_length": 0, "probe_failed_due_to_regex": 0},
		},
		{name: "no_follow_redirects", target: one + "/a?302=" + q("/b"), set: func(p *httpProbe) {
			secret(p)
			p.NoFollowRedirects, p.ValidStatusCodes = new(true), StatusCodes{{302, 302}}
		}, asked: []string{"GET one.example/a  " + withKey}, status: 302, redirects: 1},
		{name: "no_follow_redirects wins", target: one + "/a?302=" + q("/b"), set: func(p *httpProbe) {
			secret(p)
			p.NoFollowRedirects, p.Client.FollowRedirects = new(false), false
		}, asked: []string{"GET one.example/a  " + withKey, "GET one.example/b  " + withKey}, status: 200, redirects: 1},
		{name: "body regex of an unfollowed redirect", target: one + "/a?302=" + q("/b"), set: func(p *httpProbe) {
			secret(p)
			p.Client.FollowRedirects, p.ValidStatusCodes, p.FailIfBodyMatches = false, StatusCodes{{302, 302}}, []Regexp{re("x")}
		}, asked: []string{"GET one.example/a  " + withKey}, status: 302, redirects: 1, reason: ReasonRedirect, values: map[string]float64{"probe_failed_due_to_regex": 1}},
		{
			name: "without location", target: one + "/a?302", asked: []string{"GET one.example/a  " + withKey}, status: 302, reason: ReasonStatus,
			values: map[string]float64{"probe_http_uncompressed_body_length": 5},
		},
		{name: "bad location", target: one + "/a?302=" + q("http://[::1"), asked: []string{"GET one.example/a  " + withKey}, reason: ReasonRedirect},
		{name: "bad scheme", target: one + "/a?302=" + q("file:///etc/passwd"), asked: []string{"GET one.example/a  " + withKey}, redirects: 1, reason: ReasonRedirect},
		{name: "metadata", target: one + "/a?302=" + q("http://169.254.169.254/"), asked: []string{"GET one.example/a  " + withKey}, redirects: 1, reason: ReasonPolicy},
		{name: "metadata by name", target: one + "/a?302=" + q("http://bad.example/"), asked: []string{"GET one.example/a  " + withKey}, redirects: 1, reason: ReasonPolicy},
		{name: "metadata as a number", target: one + "/a?302=" + q("http://2852039166/"), asked: []string{"GET one.example/a  " + withKey}, redirects: 1, reason: ReasonPolicy},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.set == nil {
				test.set = secret
			}
			m := httpModule(t, test.set)
			m.spec.(*httpProbe).dialer.resolver = resolver
			asked = nil
			res := probeWithin(t, m, 5*time.Second, Request{Target: test.target, Hostname: test.hostname, Samples: true})
			if res.Reason != test.reason || res.StatusCode != test.status {
				t.Errorf("got %d, %q: %s; want %d, %q", res.StatusCode, res.Reason, res.Error, test.status, test.reason)
			}
			if diff := cmp.Diff(test.asked, asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			checkValues(t, res, map[string]float64{"probe_http_redirects": test.redirects, "probe_http_status_code": float64(test.status)})
			checkValues(t, res, test.values)
		})
	}

	loop := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
	res := probeWithin(t, httpModule(t, nil), 5*time.Second, Request{Target: loop, Samples: true})
	if res.Reason != ReasonRedirect || res.Error != "more than 10 redirects" || res.StatusCode != http.StatusFound {
		t.Errorf("loop: got %+v", res)
	}
	checkValues(t, res, map[string]float64{"probe_http_redirects": 11, "probe_http_status_code": 302})
	lenient := httpModule(t, func(p *httpProbe) { p.ValidStatusCodes = StatusCodes{{302, 302}} })
	if res := probeWithin(t, lenient, 5*time.Second, Request{Target: loop}); res.Outcome != health.Pass {
		t.Errorf("loop with valid code 302: got %+v", res)
	}
}

func TestHTTPBodyFileIsSentAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
			return
		}
		_, _ = w.Write(body)
	})
	m := httpModule(t, func(p *httpProbe) {
		p.Method, p.BodyFile, p.FailIfBodyNotMatches = "POST", file, []Regexp{re("^text$")}
	})
	if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
		t.Errorf("got %+v", res)
	}
}

func TestHTTPTLS(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(24 * time.Hour).Truncate(time.Second).UTC()
	past := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	proto := make(chan string, 10)
	handler := func(_ http.ResponseWriter, r *http.Request) { proto <- r.TLS.ServerName + " " + r.Proto }
	leaf := ca.issue(t, until, "127.0.0.1", "app.example")
	target := serveTLS(t, leaf, true, handler)
	expired := serveTLS(t, ca.issue(t, past, "127.0.0.1"), false, handler)
	trusting := func(p *httpProbe) { p.Client.TLSConfig.CAFile = ca.file }
	sum := sha256.Sum256(leaf.Certificate[0])
	info := "probe_ssl_last_chain_info{fingerprint_sha256=" + hex.EncodeToString(sum[:]) +
		",issuer=CN=test authority,serialnumber=0abc,subject=CN=leaf,subjectalternative=app.example}"
	tlsValues := map[string]float64{
		"probe_http_ssl": 1, "probe_ssl_earliest_cert_expiry": float64(until.Unix()),
		"probe_ssl_last_chain_expiry_timestamp_seconds": float64(until.Unix()), info: 1,
		"probe_tls_version_info{version=TLS 1.3}": 1, "probe_tls_cipher_info{cipher=TLS_AES_128_GCM_SHA256}": 1,
	}
	// A certificate that we refuse is shown nevertheless, and nothing else of TLS.
	refusedValues := map[string]float64{
		"probe_http_ssl": 0, "probe_ssl_earliest_cert_expiry": float64(until.Unix()), info: 1,
		"probe_ssl_last_chain_expiry_timestamp_seconds": absent, "probe_tls_version_info{version=TLS 1.3}": absent,
	}
	expiredValues := map[string]float64{"probe_http_ssl": 0, "probe_ssl_earliest_cert_expiry": float64(past.Unix())}
	tests := []struct {
		name, target, hostname string
		set                    func(p *httpProbe)
		proto                  string
		want                   Result
		values                 map[string]float64
	}{
		{name: "HTTP/2", target: target, set: trusting, proto: " HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}, values: tlsValues},
		{name: "HTTP/1.1", target: target, set: func(p *httpProbe) { trusting(p); p.Client.EnableHTTP2 = false }, proto: " HTTP/1.1", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}, values: tlsValues},
		{name: "hostname", target: target, hostname: "app.example:443", set: trusting, proto: "app.example HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "Host header", target: target, set: func(p *httpProbe) { trusting(p); p.Headers = map[string]string{"host": "app.example"} }, proto: "app.example HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "server_name", target: target, hostname: "x.example", set: func(p *httpProbe) { trusting(p); p.Client.TLSConfig.ServerName = "app.example" }, proto: "app.example HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{
			name: "insecure_skip_verify", target: target, set: func(p *httpProbe) { p.Client.TLSConfig.InsecureSkipVerify = true }, proto: " HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until},
			values: map[string]float64{"probe_ssl_last_chain_expiry_timestamp_seconds": -62135596800, info: 1},
		},
		{
			name: "TLS 1.2", target: target, set: func(p *httpProbe) { trusting(p); p.Client.TLSConfig.MaxVersion = config.TLSVersion(tls.VersionTLS12) }, proto: " HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until},
			values: map[string]float64{"probe_tls_version_info{version=TLS 1.2}": 1},
		},
		{name: "fail_if_ssl", target: target, set: func(p *httpProbe) { trusting(p); p.FailIfSSL = true }, proto: " HTTP/2.0", want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseCheck, Error: "answer came over TLS", StatusCode: 200, CertExpiry: until}},
		{name: "fail_if_not_ssl", target: target, set: func(p *httpProbe) { trusting(p); p.FailIfNotSSL = true }, proto: " HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "valid_http_versions", target: target, set: func(p *httpProbe) { trusting(p); p.ValidHTTPVersions = []string{"HTTP/2.0"} }, proto: " HTTP/2.0", want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}, values: map[string]float64{"probe_http_version": 2}},
		{name: "unknown authority", target: target, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate is signed by an unknown authority", CertExpiry: until}, values: refusedValues},
		{name: "expired", target: expired, set: trusting, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate has expired", CertExpiry: past}, values: expiredValues},
		{name: "wrong name", target: target, hostname: "no.example", set: trusting, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate is valid for app.example, not no.example", CertExpiry: until}, values: refusedValues},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			res := probeWithin(t, httpModule(t, test.set), 5*time.Second, Request{Target: test.target, Hostname: test.hostname, Samples: true})
			checkValues(t, res, test.values)
			res.Samples = nil
			if diff := cmp.Diff(test.want, res, ignoreTimes); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if test.proto != "" {
				if got := <-proto; got != test.proto {
					t.Errorf("server name and protocol are %q, want %q", got, test.proto)
				}
			}
		})
	}
}

func TestHTTPRedirectElsewhereIsVerifiedByItsOwnName(t *testing.T) {
	ca := newAuthority(t)
	second := serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "two.example"), true, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(second, "https://"))
	first := serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "one.example"), true, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://two.example:"+port, http.StatusFound)
	})
	m := httpModule(t, func(p *httpProbe) { p.Client.TLSConfig.CAFile, p.Client.TLSConfig.ServerName = ca.file, "one.example" })
	m.spec.(*httpProbe).dialer.resolver = fakeDNS(t, map[string][][]string{"two.example": {{"127.0.0.1"}}})
	res := probeWithin(t, m, 5*time.Second, Request{Target: first, Samples: true})
	if res.Outcome != health.Pass {
		t.Fatal(res.Error)
	}
	v := valuesOf(res.Samples)
	for _, phase := range []string{"resolve", "connect", "tls", "processing", "transfer"} {
		if d := v["probe_http_duration_seconds{phase="+phase+"}"]; d <= 0 || d > 5 {
			t.Errorf("phase %s took %g s", phase, d)
		}
	}
}

func TestHTTPClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	dir := t.TempDir()
	client := ca.issue(t, time.Now().Add(time.Hour), "client.example")
	key, err := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePEM(t, certFile, "CERTIFICATE", client.Certificate[0])
	writePEM(t, keyFile, "PRIVATE KEY", key)

	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].DNSNames[0])
	}))
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a handshake without a certificate is expected
	server.StartTLS()
	defer server.Close()

	ca64, _ := os.ReadFile(ca.file)
	m := httpModule(t, func(p *httpProbe) {
		p.Client.TLSConfig = config.TLSConfig{CA: string(ca64), CertFile: certFile, KeyFile: keyFile}
		p.FailIfBodyNotMatches = []Regexp{re("^client.example$")}
	})
	if res := probeWithin(t, m, 5*time.Second, Request{Target: server.URL}); res.Outcome != health.Pass {
		t.Errorf("files: %s", res.Error)
	}
	m = httpModule(t, func(p *httpProbe) {
		p.Client.TLSConfig = config.TLSConfig{
			CAFile: ca.file,
			Cert:   string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: client.Certificate[0]})),
			Key:    config.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		}
	})
	if res := probeWithin(t, m, 5*time.Second, Request{Target: server.URL}); res.Outcome != health.Pass {
		t.Errorf("inline: %s", res.Error)
	}
	m = httpModule(t, func(p *httpProbe) { p.Client.TLSConfig.CAFile = ca.file })
	if res := probeWithin(t, m, 5*time.Second, Request{Target: server.URL}); res.Reason != ReasonTLS {
		t.Errorf("without: got %s: %s", res.Reason, res.Error)
	}
}

func TestHTTPProxy(t *testing.T) {
	ca := newAuthority(t)
	secure := serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "app.example"), true, func(http.ResponseWriter, *http.Request) {})
	asked := make(chan string, 10)
	proxy := forwardProxy(t, strings.TrimPrefix(secure, "https://"), asked)
	resolver := fakeDNS(t, map[string][][]string{"app.example": {{"10.9.8.7"}}, "bad.example": {{"169.254.169.254"}}})
	via := func(skip bool) *Module {
		m := httpModule(t, func(p *httpProbe) {
			p.Client.ProxyURL = config.URL{URL: proxy}
			p.Client.ProxyConnectHeader = config.ProxyHeader{"X-Proxy": {"hello"}}
			p.Client.TLSConfig.CAFile = ca.file
			p.SkipResolvePhaseWithProxy = skip
		})
		m.spec.(*httpProbe).dialer.resolver = resolver
		return m
	}
	resolved := map[string]float64{"probe_ip_protocol": 4}
	unresolved := map[string]float64{"probe_ip_protocol": absent, "probe_ip_addr_hash": absent, "probe_dns_lookup_time_seconds": absent, "probe_http_duration_seconds{phase=resolve}": absent, "probe_http_duration_seconds{phase=connect}": 0}
	delete(unresolved, "probe_http_duration_seconds{phase=connect}")
	for _, test := range []struct {
		target, asked string
		skip          bool
		policy        *NetworkPolicy
		values        map[string]float64
		want          Reason
	}{
		{target: "http://app.example/a", asked: "GET http://app.example/a ", values: resolved},
		{target: "https://app.example/a", asked: "CONNECT 10.9.8.7:443 hello", values: resolved},
		{target: "http://app.example/a", skip: true, asked: "GET http://app.example/a ", values: unresolved},
		{target: "https://app.example/a", skip: true, asked: "CONNECT app.example:443 hello", values: unresolved},
		{target: "http://app.example/a", policy: rules(t, "-10.0.0.0/8"), want: ReasonPolicy},
		{target: "http://app.example/a", policy: rules(t, "10.0.0.0/8"), asked: "GET http://app.example/a "},
		{target: "http://app.example/a", policy: rules(t, "app.example"), asked: "GET http://app.example/a "},
		{target: "http://app.example/a", skip: true, policy: rules(t, "10.0.0.0/8"), asked: "GET http://app.example/a "},
		{target: "http://app.example/a", skip: true, policy: rules(t, "-10.0.0.0/8"), want: ReasonPolicy},
		{target: "https://app.example/a", skip: true, policy: rules(t, "11.0.0.0/8"), want: ReasonPolicy},
		{target: "http://bad.example", skip: true, want: ReasonPolicy},
		{target: "https://bad.example", skip: true, want: ReasonPolicy},
		{target: "http://app.example/a", skip: true, policy: rules(t, "app.example"), asked: "GET http://app.example/a "},
		{target: "http://169.254.169.254", want: ReasonPolicy},
		{target: "http://169.254.169.254", skip: true, want: ReasonPolicy},
		{target: "http://0xa9fea9fe", skip: true, want: ReasonPolicy},
		{target: "http://bad.example", want: ReasonPolicy},
	} {
		res := probeWithin(t, via(test.skip), 5*time.Second, Request{Target: test.target, Network: test.policy, Samples: true})
		if res.Reason != test.want {
			t.Errorf("%s: got %q: %s, want %q", test.target, res.Reason, res.Error, test.want)
		}
		checkValues(t, res, test.values)
		got := ""
		select {
		case got = <-asked:
		default:
		}
		if got != test.asked {
			t.Errorf("%s: the proxy was asked %q, want %q", test.target, got, test.asked)
		}
	}
	t.Setenv("HTTP_PROXY", proxy.String())
	env := httpModule(t, func(p *httpProbe) { p.Client.ProxyFromEnvironment, p.SkipResolvePhaseWithProxy = true, true })
	if res := probeWithin(t, env, 5*time.Second, Request{Target: "http://env.example"}); res.Outcome != health.Pass || <-asked != "GET http://env.example/ " {
		t.Errorf("proxy_from_environment: %+v", res)
	}
}

func TestHTTPAddresses(t *testing.T) {
	base := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	d := newDialer()
	d.resolver = fakeDNS(t, map[string][][]string{
		"both.example":   {{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"}},
		"four.example":   {{"192.0.2.1"}},
		"six.example":    {{"2001:db8::1"}},
		"rebind.example": {{"127.0.0.1"}, {"169.254.169.254"}},
	})
	for _, test := range []struct {
		host, preferred string
		fallback        bool
		want            string
	}{
		{"both.example", "", true, "2001:db8::1"},
		{"both.example", "ip6", false, "2001:db8::1"},
		{"both.example", "ip4", true, "192.0.2.1"},
		{"both.example", "ipv6", true, "192.0.2.1"},
		{"four.example", "ip6", true, "192.0.2.1"},
		{"four.example", "ip6", false, ""},
		{"six.example", "ip4", true, "2001:db8::1"},
		{"six.example", "ip4", false, ""},
		{"none.example", "ip4", true, ""},
		{"127.0.0.1", "ip6", true, "127.0.0.1"},
		{"127.0.0.1", "ip6", false, ""},
		{"::1", "ip4", true, "::1"},
		{"::ffff:127.0.0.1", "ip4", false, "127.0.0.1"},
		{"127.1", "ip4", true, ""},
	} {
		got, err := d.lookup(t.Context(), test.host, test.preferred, test.fallback)
		if text := map[bool]string{true: got.String(), false: ""}[got.IsValid()]; text != test.want || (err == nil) != (text != "") {
			t.Errorf("%s, %s, %v: got %s, %v, want %s", test.host, test.preferred, test.fallback, text, err, test.want)
		}
	}
	// The address is looked up once: what the name means later does not matter.
	m := httpModule(t, nil)
	m.spec.(*httpProbe).dialer = d
	for i, want := range []Reason{ReasonNone, ReasonPolicy} {
		if res := probeWithin(t, m, 5*time.Second, Request{Target: "http://rebind.example:" + port}); res.Reason != want {
			t.Errorf("%d: got %q: %s", i, res.Reason, res.Error)
		}
	}
	for target, policy := range map[string]*NetworkPolicy{
		"http://127.0.0.1:" + port:    rules(t, "-127.0.0.0/8"),
		"http://169.254.169.254":      nil,
		"http://0251.0376.0251.0376/": nil,
		"http://[::ffff:a9fe:a9fe]/":  nil,
		"http://four.example":         rules(t, "-four.example"),
		"http://both.example":         rules(t, "10.0.0.0/8"),
	} {
		res := probeWithin(t, m, 5*time.Second, Request{Target: target, Network: policy, Samples: true})
		if res.Reason != ReasonPolicy || res.Outcome != health.Fail {
			t.Errorf("%s: got %q: %s", target, res.Reason, res.Error)
		}
		checkValues(t, res, map[string]float64{"probe_http_status_code": 0})
	}
	if got := addressHash(netip.MustParseAddr("::1")); got != 1751717746 {
		t.Errorf("hash of ::1 is %f", got)
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
