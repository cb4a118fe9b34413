package prober

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/config"
)

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
