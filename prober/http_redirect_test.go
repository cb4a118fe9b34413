package prober

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

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
