package prober

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// Every failure says how far the probe had come, and a good answer says nothing.
func TestHTTPPhases(t *testing.T) {
	ca := newAuthority(t)
	answer := func(text string) string {
		return listen(t, func(conn net.Conn) {
			readRequest(conn)
			_, _ = io.WriteString(conn, text)
		})
	}
	hang := func(text string) string {
		return listen(t, func(conn net.Conn) {
			readRequest(conn)
			_, _ = io.WriteString(conn, text)
			_, _ = io.Copy(io.Discard, conn)
		})
	}
	redirect := func(to string) string {
		return answer("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + to + "\r\n\r\n")
	}
	refused := testport.Reserve(t)
	good := answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	secure := serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1"), true, func(http.ResponseWriter, *http.Request) {})
	silent := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	chatty := listen(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
	})
	tests := []struct {
		name, target string
		set          func(p *httpProbe)
		reason       Reason
		phase        Phase
	}{
		{"good", good, nil, ReasonNone, PhaseNone},
		{"no URL", "http://%", nil, ReasonInternal, PhaseNone},
		{"no such host", "none.example", nil, ReasonDNS, PhaseResolve},
		{"family", "127.0.0.1:1", func(p *httpProbe) { p.IPProtocolFallback = false }, ReasonDNS, PhaseResolve},
		{"forbidden literal", "169.254.169.254", nil, ReasonPolicy, PhaseResolve},
		{"forbidden by name", "metadata.example", nil, ReasonPolicy, PhaseConnect},
		{"refused", refused, nil, ReasonConnect, PhaseConnect},
		{"proxy refuses", good, func(p *httpProbe) { p.Client.ProxyURL = config.URL{URL: mustURL("http://" + refused)} }, ReasonConnect, PhaseConnect},
		{"proxy is silent", "https://127.0.0.1:1", func(p *httpProbe) { p.Client.ProxyURL = config.URL{URL: mustURL("http://" + silent)} }, ReasonTimeout, PhaseConnect},
		{"unknown authority", secure, func(p *httpProbe) { p.Client.TLSConfig.CAFile = "" }, ReasonTLS, PhaseTLS},
		{"no TLS", "https://" + chatty, nil, ReasonTLS, PhaseTLS},
		{"silent handshake", "https://" + silent, nil, ReasonTimeout, PhaseTLS},
		{"hangs up in the handshake", "https://" + listen(t, func(net.Conn) {}), nil, ReasonTLS, PhaseTLS},
		{"no body_file", good, func(p *httpProbe) { p.BodyFile = "/nowhere/at/all" }, ReasonInternal, PhaseRequest},
		{"silent", silent, nil, ReasonTimeout, PhaseRequest},
		{"hangs up", answer(""), nil, ReasonConnect, PhaseRequest},
		{"no HTTP", answer("SSH-2.0-OpenSSH_9\r\n"), nil, ReasonBody, PhaseTransfer},
		{"unfinished header", hang("HTTP/1.1 200 OK\r\nA: b"), nil, ReasonTimeout, PhaseTransfer},
		{"unfinished body", hang("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), nil, ReasonTimeout, PhaseTransfer},
		{"cut body", answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), nil, ReasonConnect, PhaseTransfer},
		{"cut body, with a condition", answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), func(p *httpProbe) { p.FailIfBodyMatches = []Regexp{re("x")} }, ReasonConnect, PhaseTransfer},
		{"status", answer("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), nil, ReasonStatus, PhaseCheck},
		{"status of a body that is cut", answer("HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\nok"), nil, ReasonStatus, PhaseCheck},
		{"header", good, func(p *httpProbe) { p.FailIfHeaderMatches = []HeaderMatch{{Header: "X", Regexp: re("x")}} }, ReasonBody, PhaseCheck},
		{"body", good, func(p *httpProbe) { p.FailIfBodyMatches = []Regexp{re("ok")} }, ReasonBody, PhaseCheck},
		{"size", good, func(p *httpProbe) { p.BodySizeLimit = 1 }, ReasonBody, PhaseCheck},
		{"compression", good, func(p *httpProbe) { p.Compression = "gzip" }, ReasonBody, PhaseCheck},
		{"version", good, func(p *httpProbe) { p.ValidHTTPVersions = []string{"HTTP/2.0"} }, ReasonBody, PhaseCheck},
		{"not over TLS", good, func(p *httpProbe) { p.FailIfNotSSL = true }, ReasonTLS, PhaseCheck},
		{"redirect to nowhere", redirect("http://none.example/"), nil, ReasonDNS, PhaseResolve},
		{"redirect to a closed port", redirect("http://" + refused), nil, ReasonConnect, PhaseConnect},
		{"redirect to an unknown authority", redirect(secure), func(p *httpProbe) { p.Client.TLSConfig.CAFile = "" }, ReasonTLS, PhaseTLS},
		{"redirect to another scheme", redirect("ftp://127.0.0.1/"), nil, ReasonRedirect, PhaseCheck},
		{"redirect that is not a URL", redirect("http://%"), nil, ReasonRedirect, PhaseCheck},
		{"unfollowed redirect", redirect("/"), func(p *httpProbe) { p.Client.FollowRedirects = false }, ReasonStatus, PhaseCheck},
	}
	resolver := fakeDNS(t, map[string][][]string{"metadata.example": {{"169.254.169.254"}}})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := httpModule(t, func(p *httpProbe) {
				p.Client.TLSConfig.CAFile = ca.file
				if test.set != nil {
					test.set(p)
				}
			})
			m.spec.(*httpProbe).dialer.resolver = resolver
			timeout := 5 * time.Second
			if test.reason == ReasonTimeout {
				timeout = 200 * time.Millisecond
			}
			res := probeWithin(t, m, timeout, Request{Target: test.target, Samples: true})
			if res.Reason != test.reason || res.Phase != test.phase || (res.Outcome == health.Pass) != (test.reason == ReasonNone) {
				t.Errorf("got %s in %q: %s; want %s in %q", res.Reason, res.Phase, res.Error, test.reason, test.phase)
			}
		})
	}
}

// The same for what kind health does on its own, besides what its other tests show.
func TestHealthPhases(t *testing.T) {
	silent := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	slow := listen(t, func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
		_, _ = io.Copy(io.Discard, conn)
	})
	through := func(proxy string) func(p *healthProbe) {
		return func(p *healthProbe) { p.Client.ProxyURL = config.URL{URL: mustURL("http://" + proxy)} }
	}
	for i, test := range []struct {
		target string
		set    func(p *healthProbe)
		reason Reason
		phase  Phase
	}{
		{"http://%", nil, ReasonInternal, PhaseNone},
		{silent, nil, ReasonTimeout, PhaseRequest},
		{slow, nil, ReasonTimeout, PhaseTransfer},
		{"https://" + silent, nil, ReasonTimeout, PhaseTLS},
		{"app.example", through("127.0.0.1:1"), ReasonConnect, PhaseConnect},
		{"app.example", through(silent), ReasonTimeout, PhaseRequest},
		{"app.example", through(slow), ReasonTimeout, PhaseTransfer},
		{"169.254.169.254", through(silent), ReasonPolicy, PhaseConnect},
		{silent, func(p *healthProbe) { p.Client.BearerTokenFile = "/nowhere/at/all" }, ReasonInternal, PhaseRequest},
	} {
		res := probeWithin(t, healthModule(t, test.set), 200*time.Millisecond, Request{Target: test.target})
		if res.Reason != test.reason || res.Phase != test.phase {
			t.Errorf("%d, %s: got %s in %q: %s; want %s in %q", i, test.target, res.Reason, res.Phase, res.Error, test.reason, test.phase)
		}
	}
}

// TestHTTPOutbound: the keys about the way out hold for the target, for where it
// redirects to, and for a proxy.
func TestHTTPOutbound(t *testing.T) {
	from := make(chan string, 8)
	note := func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		from <- host
		if r.URL.Path == "/away" {
			port := r.Host[strings.LastIndex(r.Host, ":"):]
			http.Redirect(w, r, "http://other.example"+port+"/", http.StatusFound)
		}
	}
	target := strings.TrimPrefix(serve(t, note), "http://")
	_, port, _ := net.SplitHostPort(target)
	server := dnsAddress(t, map[string][][]string{"app.example": {{"127.0.0.1"}}, "other.example": {{"127.0.0.1"}}, "proxy.example": {{"127.0.0.1"}}})
	module := func(set func(p *httpProbe)) *Module {
		return httpModule(t, func(p *httpProbe) {
			p.SourceIPAddress, p.Resolver = "127.0.0.2", server
			if set != nil {
				set(p)
			}
		})
	}
	expect := func(name string, res Result, want ...string) {
		t.Helper()
		if res.Outcome != health.Pass {
			t.Errorf("%s: %s", name, res.Error)
		}
		var got []string
		for len(from) > 0 {
			got = append(got, <-from)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: came from %v, want %v", name, got, want)
		}
	}
	expect("address", probeWithin(t, module(nil), 5*time.Second, Request{Target: target}), "127.0.0.2")
	expect("name", probeWithin(t, module(nil), 5*time.Second, Request{Target: "app.example:" + port}), "127.0.0.2")
	expect("redirect", probeWithin(t, module(nil), 5*time.Second, Request{Target: "app.example:" + port + "/away"}), "127.0.0.2", "127.0.0.2")
	proxied := module(func(p *httpProbe) { p.Client.ProxyURL = config.URL{URL: mustURL("http://proxy.example:" + port)} })
	expect("proxy", probeWithin(t, proxied, 5*time.Second, Request{Target: "app.example"}), "127.0.0.2")

	res := probeWithin(t, httpModule(t, func(p *httpProbe) { p.SourceIPAddress = "::1" }), 5*time.Second, Request{Target: target})
	if res.Outcome != health.Fail || res.Phase != PhaseConnect {
		t.Errorf("from IPv6 to IPv4: got %+v", res)
	}
}

// dnsAddress is the address of a fakeDNS.
func dnsAddress(t testing.TB, zone map[string][][]string) string {
	t.Helper()
	conn, err := fakeDNS(t, zone).Dial(t.Context(), "udp", "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.RemoteAddr().String()
}
