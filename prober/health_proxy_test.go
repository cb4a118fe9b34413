package prober

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"
)

func TestHealthByName(t *testing.T) {
	base := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	m := healthModule(t, nil)
	m.spec.(*healthProbe).conns.dialer.resolver = fakeDNS(t, map[string][][]string{
		"app.example":    {{"127.0.0.1"}},
		"rebind.example": {{"127.0.0.1"}, {"169.254.169.254"}},
		"two.example":    {{"169.254.0.1", "127.0.0.1"}},
	})
	for i, test := range []struct {
		target string
		policy *NetworkPolicy
		want   Reason
	}{
		{"app.example", nil, ReasonNone},
		{"app.example.", nil, ReasonNone},
		{"rebind.example", nil, ReasonNone},
		{"rebind.example", nil, ReasonPolicy},
		{"two.example", nil, ReasonNone},
		{"app.example", rules(t, "-127.0.0.0/8"), ReasonPolicy},
		{"app.example", rules(t, "-app.example"), ReasonPolicy},
		{"app.example", rules(t, "*.example:"+port), ReasonNone},
		{"app.example", rules(t, "*.example:1"), ReasonPolicy},
	} {
		res := probeWithin(t, m, 5*time.Second, Request{Target: "http://" + test.target + ":" + port, Network: test.policy})
		if res.Reason != test.want {
			t.Errorf("%d, %s: got %q: %s, want %q", i, test.target, res.Reason, res.Error, test.want)
		}
	}
}

// forwardProxy is a proxy that knows CONNECT and plain requests; it notes what it was asked for.
func forwardProxy(t testing.TB, to string, asked chan<- string) *url.URL {
	t.Helper()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.RequestURI + " " + r.Header.Get("X-Proxy")
		if r.Method != http.MethodConnect {
			_, _ = io.WriteString(w, "proxied")
			return
		}
		there, err := net.Dial("tcp", to)
		if err != nil {
			t.Error(err)
			return
		}
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		done := make(chan struct{})
		go func() {
			_, _ = io.Copy(there, here)
			there.Close()
			close(done)
		}()
		_, _ = io.Copy(here, there)
		here.Close()
		<-done
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestHealthProxy(t *testing.T) {
	ca := newAuthority(t)
	secure := serveTLS(t, ca.issue(t, time.Now().Add(time.Hour), "app.example"), false, func(http.ResponseWriter, *http.Request) {})
	direct := serve(t, func(http.ResponseWriter, *http.Request) {})
	asked := make(chan string, 10)
	proxy := forwardProxy(t, strings.TrimPrefix(secure, "https://"), asked)
	unknown := fakeDNS(t, nil) // only the proxy knows these names
	m := healthModule(t, func(p *healthProbe) {
		p.Client.ProxyURL = config.URL{URL: proxy}
		p.Client.NoProxy = "127.0.0.1"
		p.Client.ProxyConnectHeader = config.ProxyHeader{"X-Proxy": {"hello"}}
		p.Client.TLSConfig.CAFile = ca.file
	})
	m.spec.(*healthProbe).conns.dialer.resolver = unknown
	for _, test := range []struct {
		target, asked string
		policy        *NetworkPolicy
		want          Reason
	}{
		{target: "http://app.example", asked: "GET http://app.example/health "},
		{target: "https://app.example", asked: "CONNECT app.example:443 hello"},
		{target: direct},
		{target: direct, policy: rules(t, "-127.0.0.0/8"), want: ReasonPolicy},
		{target: "http://169.254.169.254", want: ReasonPolicy},
		{target: "http://0xa9fea9fe", want: ReasonPolicy},
		{target: "http://app.example", policy: rules(t, "10.0.0.0/8"), want: ReasonPolicy},
		{target: "http://app.example", policy: rules(t, "app.example"), asked: "GET http://app.example/health "},
		{target: "http://10.0.0.1", policy: rules(t, "10.0.0.0/8"), asked: "GET http://10.0.0.1/health "},
		{target: "http://10.0.0.1", policy: rules(t, "-10.0.0.0/8"), want: ReasonPolicy},
	} {
		res := probeWithin(t, m, 5*time.Second, Request{Target: test.target, Network: test.policy})
		if res.Reason != test.want {
			t.Errorf("%s: got %q: %s, want %q", test.target, res.Reason, res.Error, test.want)
		}
		got := ""
		select {
		case got = <-asked:
		default:
		}
		if got != test.asked {
			t.Errorf("%s: the proxy was asked %q, want %q", test.target, got, test.asked)
		}
	}
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	m := healthModule(t, nil)
	m.spec.(*healthProbe).conns.dialer.resolver = fakeDNS(t, nil)
	if res := probeWithin(t, m, time.Second, Request{Target: "http://app.example"}); res.Reason != ReasonDNS {
		t.Errorf("got %+v, want a look-up", res)
	}
}
