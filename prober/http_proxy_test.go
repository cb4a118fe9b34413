package prober

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

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
