package prober

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// proxyTo sends all that is asked of it to one place, over HTTP, and notes what that was.
type proxyTo struct {
	url   *url.URL
	asked chan string
}

func httpProxyTo(t *testing.T, place string) proxyTo {
	p := proxyTo{asked: make(chan string, 100)}
	p.url = forwardProxy(t, place, p.asked)
	return p
}

// socksProxyTo is the same over SOCKS 5.
func socksProxyTo(t *testing.T, place string) proxyTo {
	p := proxyTo{asked: make(chan string, 100)}
	address := listen(t, func(conn net.Conn) {
		buf := make([]byte, 300)
		read := func(n int) []byte { _, _ = io.ReadFull(conn, buf[:n]); return buf[:n] }
		read(int(read(2)[1]))
		_, _ = conn.Write([]byte{5, 0})
		host := ""
		switch kind := read(4)[3]; kind {
		case 1:
			host = net.IP(read(4)).String()
		case 3:
			host = string(read(int(read(1)[0])))
		case 4:
			host = net.IP(read(16)).String()
		}
		p.asked <- fmt.Sprintf("SOCKS %s:%d", host, binary.BigEndian.Uint16(read(2)))
		_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		there, err := net.Dial("tcp", place)
		if err != nil {
			return
		}
		defer there.Close()
		go func() { _, _ = io.Copy(there, conn); there.Close() }()
		_, _ = io.Copy(conn, there)
	})
	p.url = &url.URL{Scheme: "socks5h", Host: address}
	return p
}

func (p proxyTo) last() (what string) {
	for {
		select {
		case what = <-p.asked:
		default:
			return strings.TrimSpace(what)
		}
	}
}

// Before a proxy is asked for anything, the policy has seen the addresses of it, in
// every kind, on every hop; and the proxy is asked for the address that was seen, where
// the protocol permits.
func TestPolicyBeforeProxies(t *testing.T) {
	ca := newAuthority(t)
	location := ""
	there := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/go" || r.URL.Path == "/go/health" {
			http.Redirect(w, r, location, http.StatusFound)
		}
	}
	secure := strings.TrimPrefix(serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "good.example", "10.9.8.7"), false, there), "https://")
	plain := strings.TrimPrefix(serve(t, there), "http://")
	zone := map[string][][]string{
		"good.example": {{"10.9.8.7"}}, "meta.example": {{"169.254.169.254"}}, "mixed.example": {{"10.9.8.7", "169.254.169.254"}},
		"denied.example": {{"10.66.0.1"}}, "six.example": {{"fd00:ec2::254"}},
	}
	policy := rules(t, "-10.66.0.0/16", "-named.example")
	const refused = "policy"
	for _, test := range []struct {
		kind, proxy, target, to string // to is where /go redirects to
		skip                    bool
		want                    string
	}{
		{"http", "http", "http://good.example/", "", false, "GET http://good.example/"},
		{"http", "http", "https://good.example/", "", false, "CONNECT 10.9.8.7:443"},
		{"http", "socks", "http://good.example/", "", false, "SOCKS 10.9.8.7:80"},
		{"http", "socks", "https://good.example:8443/", "", false, "SOCKS 10.9.8.7:8443"},
		{"http", "socks", "http://good.example/", "", true, "SOCKS good.example:80"},
		{"http", "http", "https://good.example/", "", true, "CONNECT good.example:443"},
		{"http", "http", "http://unknown.example/", "", true, "GET http://unknown.example/"},
		{"http", "http", "http://unknown.example/", "", false, "dns"},
		{"health", "http", "http://good.example/", "", false, "GET http://good.example/health"},
		{"health", "http", "https://good.example/", "", false, "CONNECT 10.9.8.7:443"},
		{"health", "socks", "http://good.example/", "", false, "SOCKS 10.9.8.7:80"},
		{"health", "http", "http://unknown.example/", "", false, "GET http://unknown.example/health"},
		{"health", "http", "https://unknown.example/", "", false, "CONNECT unknown.example:443"},
		// Redirects.
		{"http", "http", "https://good.example/go", "https://good.example:8443/", false, "CONNECT 10.9.8.7:8443"},
		{"http", "http", "https://good.example/go", "http://meta.example/", false, refused},
		{"http", "http", "https://good.example/go", "https://meta.example/", false, refused},
		{"http", "socks", "https://good.example/go", "http://denied.example/", false, refused},
		{"http", "http", "https://good.example/go", "http://named.example/", true, refused},
		{"http", "http", "https://good.example/go", "https://mixed.example/", true, refused},
		{"http", "http", "https://good.example/go", "http://six.example/", true, refused},
		{"http", "http", "https://good.example/go", "https://unknown.example/", false, "dns"},
		{"http", "http", "https://good.example/go", "http://169.254.169.254/", false, refused},
		{"http", "http", "https://good.example/go", "http://0xa9fea9fe/", true, refused},
		{"health", "http", "https://good.example/go", "https://good.example:8443/", false, "CONNECT 10.9.8.7:8443"},
	} {
		test.want = strings.TrimSpace(test.want)
		location = test.to
		place := plain
		if strings.HasPrefix(test.target, "https") {
			place = secure
		}
		var proxy proxyTo
		if test.proxy == "http" {
			proxy = httpProxyTo(t, place)
		} else {
			proxy = socksProxyTo(t, place)
		}
		checkProxied(t, test.kind, test.target, proxy, test.skip, ca, zone, policy, test.want)
	}
	for _, kind := range []string{"http", "health"} {
		for _, skip := range []bool{false, true} {
			for _, scheme := range []string{"http", "https"} {
				for _, host := range []string{"meta.example", "denied.example", "six.example", "named.example", "ME\u0301TA.example", "169.254.169.254", "0xa9fea9fe", "[::ffff:169.254.169.254]", "１６９.254.169.254", "meta.example."} {
					want := refused
					if strings.HasPrefix(host, "ME") {
						continue // another name
					}
					checkProxied(t, kind, scheme+"://"+host+"/", httpProxyTo(t, plain), skip, ca, zone, policy, want)
					checkProxied(t, kind, scheme+"://"+host+"/", socksProxyTo(t, plain), skip, ca, zone, policy, want)
				}
			}
		}
	}
	// A name that only the proxy knows must be on the list of what is allowed.
	for _, scheme := range []string{"http", "https"} {
		for allowed, want := range map[string]string{"10.0.0.0/8": refused, "other.example": refused} {
			checkProxied(t, "health", scheme+"://unknown.example/", httpProxyTo(t, plain), false, ca, zone, rules(t, allowed), want)
			checkProxied(t, "http", scheme+"://unknown.example/", httpProxyTo(t, plain), true, ca, zone, rules(t, allowed), want)
		}
	}
	checkProxied(t, "health", "https://unknown.example/", httpProxyTo(t, secure), false, ca, zone, rules(t, "unknown.example"), "CONNECT unknown.example:443")
	// One of several addresses is enough, if the proxy is asked for just that one.
	checkProxied(t, "health", "https://mixed.example/", httpProxyTo(t, secure), false, ca, zone, policy, "CONNECT 10.9.8.7:443")
	checkProxied(t, "health", "http://mixed.example/", httpProxyTo(t, plain), false, ca, zone, policy, refused)
	checkProxied(t, "http", "http://mixed.example/", httpProxyTo(t, plain), false, ca, zone, policy, refused)
}

// checkProxied probes through the proxy; want is what it was asked for last, or the
// reason if it was not asked for what matters.
func checkProxied(t *testing.T, kind, target string, proxy proxyTo, skip bool, ca *authority, zone map[string][][]string, policy *NetworkPolicy, want string) {
	t.Helper()
	resolver := fakeDNS(t, zone)
	m := moduleOf(t, kind, func(s spec) {
		var c *config.HTTPClientConfig
		switch p := s.(type) {
		case *httpProbe:
			c, p.SkipResolvePhaseWithProxy = &p.Client, skip
		case *healthProbe:
			c = &p.Client
		}
		c.ProxyURL, c.TLSConfig.CAFile = config.URL{URL: proxy.url}, ca.file
	})
	switch p := m.spec.(type) {
	case *httpProbe:
		p.dialer.resolver = resolver
	case *healthProbe:
		p.conns.dialer.resolver = resolver
	}
	res := probeWithin(t, m, 5*time.Second, Request{Target: target, Network: policy})
	got := proxy.last()
	if want == string(res.Reason) && !strings.Contains(got, "169.254") && !strings.Contains(got, "meta") && !strings.Contains(got, "denied") {
		return
	}
	if got != want {
		t.Errorf("%s %s, skip %v: the proxy was asked for %q, want %q: %s %s", kind, target, skip, got, want, res.Reason, res.Error)
	}
}

// Where there is no DNS at all, a proxy that finds the names is still of use.
func TestProxiesWithoutDNS(t *testing.T) {
	zone := serveZone(t, nil) // which is silent about one name
	proxy := httpProxyTo(t, "")
	for _, kind := range []string{"http", "health"} {
		m := moduleOf(t, kind, func(s spec) {
			switch p := s.(type) {
			case *httpProbe:
				p.SkipResolvePhaseWithProxy, p.Client.ProxyURL, p.Resolver = true, config.URL{URL: proxy.url}, zone.address
			case *healthProbe:
				p.Client.ProxyURL = config.URL{URL: proxy.url}
			}
		})
		if p, ok := m.spec.(*healthProbe); ok {
			p.conns.dialer.resolver.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, zone.address)
				if err == nil {
					context.AfterFunc(ctx, func() { conn.SetDeadline(longAgo) })
				}
				return conn, err
			}
		}
		res := probeWithin(t, m, 2*time.Second, Request{Target: "http://silent.example/"})
		if res.Outcome != health.Pass || res.Duration > time.Second {
			t.Errorf("%s: %+v", kind, res)
		}
	}
}

// A module for one IP protocol follows a redirect by its own rules, and says so.
func TestRedirectsObeyTheIPProtocol(t *testing.T) {
	var hosts []string
	serveBoth := func(w http.ResponseWriter, r *http.Request) {
		hosts = append(hosts, r.Context().Value(http.LocalAddrContextKey).(net.Addr).(*net.TCPAddr).IP.String())
		if r.URL.Path == "/go" {
			w.Header().Set("Location", r.URL.Query().Get("to"))
			w.WriteHeader(http.StatusFound)
		}
	}
	port := listenBoth(t, serveBoth)
	zone := map[string][][]string{"four.example": {{"127.0.0.1"}}, "six.example": {{"::1"}}, "both.example": {{"127.0.0.1", "::1"}}, "dead4.example": {{"127.0.0.9", "::1"}}}
	for _, test := range []struct {
		preferred string
		fallback  bool
		to, want  string
	}{
		{"ip4", false, "four.example", "127.0.0.1"},
		{"ip4", false, "both.example", "127.0.0.1"},
		{"ip4", false, "six.example", "looking up six.example: no IPv4 address, and the module allows no other (ip_protocol_fallback)"},
		{"ip4", false, "[::1]", "looking up ::1: no IPv4 address, and the module allows no other (ip_protocol_fallback)"},
		{"ip4", true, "six.example", "::1"},
		{"ip4", true, "both.example", "127.0.0.1"},
		{"ip4", true, "dead4.example", "::1"},
		{"ip6", false, "six.example", "::1"},
		{"ip6", false, "both.example", "::1"},
		{"ip6", false, "four.example", "looking up four.example: no IPv6 address, and the module allows no other (ip_protocol_fallback)"},
		{"ip6", true, "four.example", "127.0.0.1"},
		{"", true, "both.example", "::1"},
	} {
		m := httpModule(t, func(p *httpProbe) { p.PreferredIPProtocol, p.IPProtocolFallback = test.preferred, test.fallback })
		m.spec.(*httpProbe).dialer.resolver = fakeDNS(t, zone)
		hosts = nil
		to := "http://" + test.to + ":" + port + "/"
		res := probeWithin(t, m, 5*time.Second, Request{Target: "http://both.example:" + port + "/go?to=" + url.QueryEscape(to)})
		got := res.Error
		if res.Outcome == health.Pass {
			got = hosts[len(hosts)-1]
		}
		if got != test.want || res.Outcome != health.Pass && res.Reason != ReasonDNS {
			t.Errorf("%s, fallback %v, to %s: %q, want %q: %+v", test.preferred, test.fallback, test.to, got, test.want, res)
		}
	}
}

// listenBoth serves on the same port of both loopback addresses.
func listenBoth(t *testing.T, handler http.HandlerFunc) (port string) {
	t.Helper()
	testneed.IPv6(t)
	for range 20 {
		four, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ = net.SplitHostPort(four.Addr().String())
		six, err := net.Listen("tcp6", "[::1]:"+port)
		if err != nil {
			four.Close()
			continue
		}
		server := &http.Server{Handler: handler}
		for _, l := range []net.Listener{four, six} {
			go func() { _ = server.Serve(l) }()
		}
		t.Cleanup(func() { server.Close() })
		return port
	}
	t.Fatal("no port that is free on both")
	return ""
}
