package prober

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/config"
)

// ownHostSpellings are ways to name this host's loopback: what resolvers, browsers and
// routers understand, and names that lead there.
var ownHostSpellings = []string{
	"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.255.255.254", "127.8.9.10", "2130706433", "0x7f000001", "0x7F.1", "0X7f.0.0x0.1",
	"0177.0.0.1", "017700000001", "0x7f.0.0.1.", "127.0x0.0.01",
	"localhost", "localhost.", "LOCALHOST", "LocalHost.", "x.localhost", "a.b.LOCALHOST.",
	"１２７.０.０.１", "１２７。０。０。１", "127．0．0．1", "127｡1", "０x7f000001", "⓪x7f000001", "①②⑦.⓪.⓪.①", "ｌｏｃａｌｈｏｓｔ", "ⓛocalhost", "locaⓁhost．",
	"[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::0.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:127.9.9.9]", "[0:0:0:0:0:ffff:127.0.0.1]",
	"[::127.0.0.1]", "[::7f00:1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::127.0.0.1]", "[64:ff9b:1:7f00:0:100::]",
	"[64:ff9b:1:7f:0:1::]", "[64:ff9b:1::7f:0:100:0]", "[64:ff9b:7f00:1::]", "[64:ff9b:7f:0:1::]", "[2002:7f00:1::]", "[2002:7f00:1::1]", "[2001:0:7f00:1::]",
	"[2001:0:808:808::80ff:fffe]", "[fd00::5efe:127.0.0.1]", "[fd00::200:5efe:127.0.0.1]",
	"plain.example", "mixed.example", "six.example", "mapped.example", "nat.example", "other127.example", "PLAIN.example.",
}

var ownHostZone = map[string][][]string{
	"plain.example": {{"127.0.0.1"}}, "mixed.example": {{"127.0.0.1", "::1"}}, "six.example": {{"::1"}}, "mapped.example": {{"::ffff:127.0.0.1"}},
	"nat.example": {{"64:ff9b::7f00:1"}}, "other127.example": {{"127.77.0.1"}}, "x.localhost": {{"127.0.0.1"}}, "a.b.localhost": {{"127.0.0.1"}},
}

// withResolver makes a module look names up there.
func withResolver(m *Module, resolver *net.Resolver) *Module {
	switch p := m.spec.(type) {
	case *httpProbe:
		p.dialer.resolver = resolver
	case *healthProbe:
		p.conns.dialer.resolver = resolver
	case *tcpProbe:
		p.dialer.resolver = resolver
	case *dnsProbe:
		p.dialer.resolver = resolver
	case *grpcProbe:
		p.dialer.resolver = resolver
	case *websocketProbe:
		p.dialer.resolver = resolver
	case *icmpProbe:
		p.dialer.resolver = resolver
	}
	return m
}

// everyIPKind are modules of all kinds that go to a host and a port, with what their
// targets look like.
func everyIPKind(t *testing.T) map[string]struct {
	module *Module
	target string
} {
	type form = struct {
		module *Module
		target string
	}
	query := func(transport string, overTLS bool) func(spec) {
		return func(s spec) {
			p := s.(*dnsProbe)
			p.QueryName, p.TransportProtocol, p.DNSOverTLS, p.useless = "a.example", transport, overTLS, dnsUseless{}
		}
	}
	return map[string]form{
		"health":            {moduleOf(t, "health", nil), "http://%s/"},
		"health, kept":      {moduleOf(t, "health", func(s spec) { s.(*healthProbe).KeepAlive = true }), "http://%s/"},
		"health, TLS":       {moduleOf(t, "health", nil), "https://%s/"},
		"http":              {moduleOf(t, "http", nil), "http://%s/"},
		"http, bare":        {moduleOf(t, "http", nil), "%s"},
		"http, TLS":         {moduleOf(t, "http", nil), "https://%s/"},
		"http, IPv4":        {moduleOf(t, "http", func(s spec) { s.(*httpProbe).PreferredIPProtocol = "ip4" }), "http://%s/"},
		"tcp":               {moduleOf(t, "tcp", nil), "%s"},
		"tcp, TLS":          {moduleOf(t, "tcp", func(s spec) { s.(*tcpProbe).TLS = true }), "%s"},
		"grpc":              {moduleOf(t, "grpc", nil), "%s"},
		"grpc, URL":         {moduleOf(t, "grpc", func(s spec) { s.(*grpcProbe).TLS = true }), "%s"},
		"websocket":         {moduleOf(t, "websocket", nil), "ws://%s/"},
		"websocket, TLS":    {moduleOf(t, "websocket", nil), "wss://%s/"},
		"dns, TCP":          {moduleOf(t, "dns", query("tcp", false)), "%s"},
		"dns, UDP":          {moduleOf(t, "dns", query("udp", false)), "%s"},
		"dns, TLS":          {moduleOf(t, "dns", query("tcp", true)), "%s"},
		"dns, HTTPS":        {moduleOf(t, "dns", query("https", false)), "%s"},
		"http, HTTP/3":      {moduleOf(t, "http", func(s spec) { p := s.(*httpProbe); p.EnableHTTP3, p.Client.EnableHTTP2 = true, false }), "https://%s/"},
		"http, by redirect": {moduleOf(t, "http", nil), ""},
	}
}

// lonely counts what comes to a port of all of loopback.
func lonely(t *testing.T) (port string, visits *atomic.Int64) {
	t.Helper()
	visits = new(atomic.Int64)
	for range 20 {
		four, err := net.Listen("tcp4", "0.0.0.0:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ = net.SplitHostPort(four.Addr().String())
		six, err := net.Listen("tcp6", "[::1]:"+port)
		datagrams, errUDP := net.ListenPacket("udp", "127.0.0.1:"+port)
		if err != nil || errUDP != nil {
			four.Close()
			continue
		}
		for _, l := range []net.Listener{four, six} {
			t.Cleanup(func() { l.Close() })
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					visits.Add(1)
					conn.Close()
				}
			}()
		}
		t.Cleanup(func() { datagrams.Close() })
		go func() {
			buf := make([]byte, 2000)
			for {
				if _, _, err := datagrams.ReadFrom(buf); err != nil {
					return
				}
				visits.Add(1)
			}
		}()
		return port, visits
	}
	t.Fatal("no port that is free for all")
	return "", nil
}

// TestOthersStayOut tries all spellings with all kinds: what somebody on another host has
// named never comes to this host's loopback.
func TestOthersStayOut(t *testing.T) {
	port, visits := lonely(t)
	resolver := fakeDNS(t, ownHostZone)
	var location atomic.Value
	redirecting := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location.Load().(string))
		w.WriteHeader(http.StatusFound)
	})
	entrance, err := url.Parse(redirecting)
	if err != nil {
		t.Fatal(err)
	}
	way, _, err := ParseNetworkRule(entrance.Host)
	if err != nil {
		t.Fatal(err)
	}
	open := (&NetworkPolicy{Loopback: []NetworkRule{way}}).ForOthers() // only the redirecting server
	tried := 0
	for name, kind := range everyIPKind(t) {
		withResolver(kind.module, resolver)
		target := func(host string) string {
			if kind.target == "" {
				location.Store("http://" + host + ":" + port + "/")
				return redirecting
			}
			return fmt.Sprintf(kind.target, host+":"+port)
		}
		probeWithin(t, kind.module, time.Second, Request{Target: target("127.0.0.1"), Network: &NetworkPolicy{}})
		for began := time.Now(); visits.Load() == 0 && time.Since(began) < 5*time.Second; {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond) // for what else it may have sent
		if visits.Swap(0) == 0 {
			t.Errorf("%s: cannot be seen to come here", name)
		}
		for _, host := range ownHostSpellings {
			res := probeWithin(t, kind.module, time.Second, Request{Target: target(host), Network: open})
			if n := visits.Swap(0); n > 0 || res.Reason != ReasonPolicy && res.Reason != ReasonDNS && res.Reason != ReasonInternal {
				t.Errorf("%s: %s: %d visits, %s: %s", name, host, n, res.Reason, res.Error)
			}
			tried++
		}
	}
	time.Sleep(20 * time.Millisecond)
	if visits.Load() > 0 {
		t.Error("the last came here")
	}
	t.Logf("%d spellings × kinds", tried)
}

// TestProxiesHere: a proxy on this host must not find loopback for others, neither by a
// name that only it knows, nor by one that leads elsewhere when it looks.
func TestProxiesHere(t *testing.T) {
	port, visits := lonely(t)
	zone := map[string][][]string{"elsewhere.example": {{"192.0.2.1"}}}
	maps.Copy(zone, ownHostZone)
	resolver := fakeDNS(t, zone)
	here := net.JoinHostPort("127.0.0.1", port)
	for name, proxy := range map[string]proxyTo{"http": httpProxyTo(t, here), "socks": socksProxyTo(t, here)} {
		for _, kind := range []string{"http", "health"} {
			for _, byName := range []bool{false, true} {
				m := withResolver(moduleOf(t, kind, func(s spec) {
					switch p := s.(type) {
					case *httpProbe:
						p.Client.ProxyURL, p.SkipResolvePhaseWithProxy = config.URL{URL: proxy.url}, byName
					case *healthProbe:
						p.Client.ProxyURL = config.URL{URL: proxy.url}
					}
				}), resolver)
				for _, host := range append([]string{"unknown.example", "elsewhere.example"}, ownHostSpellings...) {
					for _, scheme := range []string{"http", "https"} {
						res := probeWithin(t, m, time.Second, Request{Target: scheme + "://" + host + ":81/", Network: new(NetworkPolicy).ForOthers()})
						asked := proxy.last()
						checked := strings.HasSuffix(asked, " 192.0.2.1:81") // whatever the name is by now
						if visits.Swap(0) > 0 && !checked {
							t.Errorf("%s through %s, by name %v: %s://%s: the proxy was asked for %q: %s", kind, name, byName, scheme, host, asked, res.Error)
						}
					}
				}
			}
		}
	}
}

func TestSocketsAreNotForOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	abstract := "@" + strings.ReplaceAll(path, "/", "-")
	a, err := net.Listen("unix", abstract)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	m := moduleOf(t, "unix", nil)
	for _, place := range []string{path, abstract} {
		if res := probeWithin(t, m, time.Second, Request{Target: place}); res.Reason != ReasonNone {
			t.Errorf("%s: %s", place, res.Error)
		}
		everything := &NetworkPolicy{Loopback: []NetworkRule{{}}}
		if res := probeWithin(t, m, time.Second, Request{Target: place, Network: everything.ForOthers()}); res.Reason != ReasonPolicy {
			t.Errorf("%s: %s %s", place, res.Reason, res.Error)
		}
	}
}

func TestLoopbackRules(t *testing.T) {
	loopback := func(texts ...string) *NetworkPolicy {
		return (&NetworkPolicy{Loopback: rules(t, texts...).Allow}).ForOthers()
	}
	for _, test := range []struct {
		policy     *NetworkPolicy
		addr, host string
		want       bool
	}{
		{loopback(), "127.0.0.1:80", "", false},
		{loopback(), "10.0.0.1:80", "", true},
		{loopback(), "[2001:db8::1]:80", "", true},
		{loopback("127.0.0.0/8"), "127.0.0.1:80", "", true},
		{loopback("127.0.0.0/8"), "[::ffff:127.0.0.1]:80", "", true},
		{loopback("127.0.0.0/8"), "[::1]:80", "", false},
		{loopback("127.0.0.2"), "127.0.0.1:80", "", false},
		{loopback("127.0.0.1:80"), "127.0.0.1:80", "a.example", true},
		{loopback("127.0.0.1:80"), "127.0.0.1:81", "a.example", false},
		{loopback("127.0.0.1:80"), "127.0.0.1:0", "", false},
		{loopback("localhost:80"), "127.0.0.1:80", "LOCALHOST.", true},
		{loopback("localhost:80"), "127.0.0.1:80", "a.example", false},
		{loopback("localhost:80"), "[::1]:81", "localhost", false},
		{loopback("[::1]:80"), "[::1]:80", "", true},
		{loopback("*:80"), "[64:ff9b::127.0.0.1]:80", "", true},
		{loopback("*"), "169.254.169.254:80", "", false},
	} {
		if err := test.policy.Check(netip.MustParseAddrPort(test.addr), test.host); (err == nil) != test.want {
			t.Errorf("%v: %s %s: %v", test.policy.Loopback, test.addr, test.host, err)
		}
	}
	// What opens loopback permits nothing else, and what is allowed opens no loopback.
	only := rules(t, "127.0.0.0/8", "10.0.0.0/8")
	for addr, want := range map[string]bool{"127.0.0.1:80": false, "10.0.0.1:80": true, "11.0.0.1:80": false} {
		if err := only.ForOthers().Check(netip.MustParseAddrPort(addr), ""); (err == nil) != want {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if only.Check(netip.MustParseAddrPort("127.0.0.1:80"), "") != nil {
		t.Error("the policy of the file has changed")
	}
	denied := &NetworkPolicy{Loopback: []NetworkRule{{}}, Deny: rules(t, "-127.0.0.0/8").Deny}
	if denied.ForOthers().Check(netip.MustParseAddrPort("127.0.0.1:80"), "") == nil {
		t.Error("what is denied is open")
	}
}

func TestOwnHostLiterals(t *testing.T) {
	var none *NetworkPolicy
	for _, host := range ownHostSpellings {
		if strings.Contains(strings.ToLower(host), "example") {
			continue // which shows at dial time
		}
		for _, suffix := range []string{"", ":80"} {
			var refusal *PolicyError
			if err := none.ForOthers().CheckLiteral(host + suffix); !errors.As(err, &refusal) {
				t.Errorf("%s%s: %v", host, suffix, err)
			}
		}
	}
	at := (&NetworkPolicy{Loopback: rules(t, "127.0.0.1:80", "[::1]:81", "x.localhost:82").Allow}).ForOthers()
	for host, want := range map[string]bool{
		"127.0.0.1:80": true, "127.0.0.1": true, "127.0.0.1:81": false, "127.0.0.2": false, "localhost:80": true, "localhost:81": true, "localhost:82": false,
		"x.localhost:82": true, "y.localhost:82": false, "localhost": true, "notlocalhost": true, "localhost.example": true,
	} {
		if err := at.CheckLiteral(host); (err == nil) != want {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// FuzzOthersStayOut: whatever the text, it comes to no loopback.
func FuzzOthersStayOut(f *testing.F) {
	for _, host := range ownHostSpellings {
		f.Add(host)
	}
	policy := new(NetworkPolicy).ForOthers()
	f.Fuzz(func(t *testing.T, host string) {
		d := newDialer()
		d.resolver.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no DNS here") }
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		o := &Outbound{IPProtocolFallback: true}
		conn, err := o.reach(ctx, d, policy, strings.Trim(host, "[]"), uint16(httptestPort(t)))
		if err == nil {
			defer conn.Close()
			if at := conn.RemoteAddr().(*net.TCPAddr); at.IP.IsLoopback() {
				t.Errorf("%q leads to %s", host, at)
			}
		}
	})
}

func httptestPort(t *testing.T) int {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	n, _ := strconv.Atoi(port)
	return n
}
