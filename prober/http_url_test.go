package prober

import (
	"bufio"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/health"
)

// wire answers every request after noting its first line as it came.
func wire(t *testing.T, answer string) (address string, lines chan string) {
	t.Helper()
	lines = make(chan string, 20)
	return listen(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		line, _ := r.ReadString('\n')
		lines <- strings.TrimSpace(line)
		if _, err := http.ReadRequest(bufio.NewReader(strings.NewReader(line + "Host: a\r\n\r\n"))); err != nil {
			t.Errorf("request line %q: %v", line, err)
		}
		for line != "\r\n" && line != "" {
			line, _ = r.ReadString('\n')
		}
		_, _ = conn.Write([]byte(answer))
	}), lines
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

// Whatever stands in a target, it makes one line of a request.
func TestBytesToEscapeInTargets(t *testing.T) {
	address, lines := wire(t, ok)
	for _, test := range []struct{ place, http, health string }{
		{"/a?q=b c", "/a?q=b%20c", "/a/health?q=b%20c"},
		{"/a?q=ü", "/a?q=%C3%BC", "/a/health?q=%C3%BC"},
		{`/a?q="<x>"`, "/a?q=%22%3Cx%3E%22", "/a/health?q=%22%3Cx%3E%22"},
		{"/a?q=\xff", "/a?q=%FF", "/a/health?q=%FF"},
		{"/a?q=%20%zz&r=b+c", "/a?q=%20%zz&r=b+c", "/a/health?q=%20%zz&r=b+c"},
		{"/a b/ü?c", "/a%20b/%C3%BC?c", "/a%20b/%C3%BC/health?c"},
		{"/a%2Fb?c", "/a%2Fb?c", "/a%2Fb/health?c"},
		{"/a//b", "/a//b", "/a//b/health"},
		{"//a//b/", "//a//b/", "//a//b/health"},
		{"/a//b/%2F", "/a//b/%2F", "/a//b/%2F/health"},
		{"/a//../b/./c", "/a//../b/./c", "/a/b/c/health"},
		{"?a b", "/?a%20b", "/health?a%20b"},
	} {
		for kind, want := range map[string]string{"http": test.http, "health": test.health} {
			res := probeWithin(t, moduleOf(t, kind, nil), 5*time.Second, Request{Target: "http://" + address + test.place})
			if res.Outcome != health.Pass {
				t.Errorf("%s %q: %+v", kind, test.place, res)
				continue
			}
			if got := <-lines; got != "GET "+want+" HTTP/1.1" {
				t.Errorf("%s %q: asked %q, want %q", kind, test.place, got, want)
			}
		}
	}
}

func TestBytesToEscapeInLocations(t *testing.T) {
	for _, test := range []struct{ location, want string }{
		{"/a?q=b c", "/a?q=b%20c"},
		{"/a b?q=ü&r=\"", "/a%20b?q=%C3%BC&r=%22"},
		{"/a?q=b\tc", "/a?q=b%09c"},
		{"/a\tb", "/a%09b"},
		{"/100%/x", "/100%25/x"},
		{"/100%", "/100%25"},
		{"/%zz%41?100%", "/%25zz%41?100%"},
		{"/a?100% sure#100%", "/a?100%%20sure"},
		{"HERE/100%/ü?a b", "/100%25/%C3%BC?a%20b"},
		{"//HOST/100% ", "/100%25"},
		{"?100% sure", "/?100%%20sure"},
		{"100%", "/100%25"},
	} {
		final, lines := wire(t, ok)
		location := strings.Replace(strings.Replace(test.location, "HERE", "http://"+final, 1), "//HOST", "//"+final, 1)
		first := "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + "\r\n\r\n"
		var seen []string
		address := listen(t, func(conn net.Conn) {
			r := bufio.NewReader(conn)
			req, err := http.ReadRequest(r)
			if err != nil {
				t.Errorf("%q: %v", test.location, err)
				return
			}
			seen = append(seen, req.RequestURI)
			if len(seen) > 1 {
				_, _ = conn.Write([]byte(ok))
				return
			}
			_, _ = conn.Write([]byte(first))
		})
		res := probeWithin(t, moduleOf(t, "http", nil), 5*time.Second, Request{Target: "http://" + address})
		got := ""
		if location == test.location {
			got = seen[len(seen)-1]
		} else if res.Outcome == health.Pass {
			got = strings.Fields(<-lines)[1]
		}
		if res.Outcome != health.Pass || got != test.want {
			t.Errorf("%q: asked for %q, want %q: %+v", test.location, got, test.want, res)
		}
	}
}

func TestLocationsThatLeadNowhere(t *testing.T) {
	for _, location := range []string{"http://", "http:", "http:///a", "//./", "http://%/", "http://a b/", "http://100%/x", "https://。/", "http://[::1", "http:opaque"} {
		for _, kind := range []string{"http", "health"} {
			address, _ := wire(t, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "+location+"\r\n\r\n")
			res := probeWithin(t, moduleOf(t, kind, nil), 5*time.Second, Request{Target: "http://" + address})
			if res.Reason != ReasonRedirect {
				t.Errorf("%s %q: %+v", kind, location, res)
			}
		}
	}
}

func FuzzLocation(f *testing.F) {
	for _, seed := range []string{"/100%/x", "//a%/b?c d#e", "http:x", "?a\tb", "\x7f", "http://bücher.example/ü?ü"} {
		f.Add(seed)
	}
	base, _ := url.Parse("http://base.example/x")
	f.Fuzz(func(t *testing.T, location string) {
		to, _, err := redirection(302, http.Header{"Location": {location}}, base)
		if err != nil || to == nil || to.Scheme != "http" {
			return
		}
		line := to.RequestURI()
		if strings.ContainsFunc(line, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == utf8.RuneError }) {
			t.Errorf("%q makes a request of %q", location, line)
		}
		if plainHost(to.Hostname()) == "" {
			t.Errorf("%q leads to no host", location)
		}
	})
}
