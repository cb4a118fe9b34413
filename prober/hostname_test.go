package prober

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/health-exporter/health_exporter/health"
)

// Names as Chromium and Firefox map them.
var browserNames = map[string]string{
	"example.org":            "example.org",
	"Example.ORG.":           "example.org",
	"bücher.example":         "xn--bcher-kva.example",
	"BÜCHER.Example":         "xn--bcher-kva.example",
	"bu\u0308cher.example":   "xn--bcher-kva.example", // decomposed
	"faß.example":            "xn--fa-hia.example",    // not fass
	"_dmarc.bücher.example":  "_dmarc.xn--bcher-kva.example",
	"a_b.bücher.example":     "a_b.xn--bcher-kva.example",
	"r3---sn.bücher.example": "r3---sn.xn--bcher-kva.example",
	"bücher。example":         "xn--bcher-kva.example",
	"bücher.example。":        "xn--bcher-kva.example",
	"ｅｘａｍｐｌｅ．ｏｒｇ":            "example.org",
	"exa\u00admple.org":      "example.org",
	"１２７．０．０．１":              "127.0.0.1",
	"☕.example":              "xn--53h.example",
	"παράδειγμα.δοκιμή":      "xn--hxajbheg2az3al.xn--jxalpdlp",
	"例え.テスト":                 "xn--r8jz45g.xn--zckzah",
	"пример.испытание":       "xn--e1afmkfd.xn--80akhbyknj4f",
	"*.bücher.example":       "*.xn--bcher-kva.example",
	"\u00ad":                 "\u00ad", // nothing is left of it
	"a\u200d.example":        "a\u200d.example",
}

func TestHostnamesAreMappedAsBrowsersDo(t *testing.T) {
	for name, want := range browserNames {
		if got := plainHost(name); got != want {
			t.Errorf("plainHost(%q) = %q, want %q", name, got, want)
		}
		if got, want := plainHostPort(asciiHost(name)+":8080"), asciiHost(name)+":8080"; isASCII(want) && got != want {
			t.Errorf("plainHostPort(%q) = %q", name, got)
		}
	}
	if got, want := plainHostPort("BÜCHER.example:80"), "xn--bcher-kva.example:80"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := lookupName("bücher.example。"), "xn--bcher-kva.example."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzPlainHost(f *testing.F) {
	for name := range browserNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		once := plainHost(name)
		if isASCII(once) && plainHost(once) != strings.TrimSuffix(once, ".") {
			t.Errorf("plainHost(%q) = %q, and of that %q", name, once, plainHost(once))
		}
	})
}

// One name beyond ASCII is the same to the resolver, in the handshake, in the
// request and in the certificate, whatever the kind.
func TestNamesBeyondASCIIInEveryKind(t *testing.T) {
	const ascii = "_x.xn--bcher-kva.example"
	zone := serveZone(t, map[string][]string{ascii: {"127.0.0.1"}})
	ca := newAuthority(t)
	cert := ca.issue(t, time.Now().Add(time.Hour), ascii)
	var hosts, names []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts = append(hosts, r.Host)
		w.Header().Set("Content-Type", dnsMediaType)
	}))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		names = append(names, hello.ServerName)
		return &cert, nil
	}}
	server.StartTLS()
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())

	for kind, target := range map[string]string{
		"http": "https://_x.BÜCHER.example:" + port, "tcp": "_x.bücher.example:" + port, "dns": "_x.bücher。example:" + port,
		"websocket": "wss://_x.bu\u0308cher.example:" + port + "/?a=b c", "grpc": "_x.bücher.example:" + port,
	} {
		hosts, names = nil, nil
		m := moduleOf(t, kind, func(s spec) {
			outbound := Outbound{Resolver: zone.address, PreferredIPProtocol: "ip4"}
			switch p := s.(type) {
			case *httpProbe:
				p.Outbound, p.Client.TLSConfig.CAFile = outbound, ca.file
			case *tcpProbe:
				p.Outbound, p.TLS, p.TLSConfig.CAFile = outbound, true, ca.file
			case *dnsProbe:
				p.Outbound, p.TransportProtocol, p.TLSConfig.CAFile = outbound, "https", ca.file
			case *websocketProbe:
				p.Outbound, p.Client.TLSConfig.CAFile = outbound, ca.file
			case *grpcProbe:
				p.Outbound, p.TLS, p.TLSConfig.CAFile = outbound, true, ca.file
			}
		})
		res := probeWithin(t, m, 5*time.Second, Request{Target: target})
		if res.Reason == ReasonTLS || res.Reason == ReasonDNS {
			t.Errorf("%s: %+v", kind, res)
		}
		if !slices.Equal(names, []string{ascii}) {
			t.Errorf("%s asks for %q in the handshake, want %q", kind, names, ascii)
		}
		if want := []string{ascii + ":" + port}; kind != "tcp" && kind != "grpc" && !slices.Equal(hosts, want) {
			t.Errorf("%s asks for the host %q, want %q", kind, hosts, want)
		}
	}
}

func TestConfiguredNamesBeyondASCII(t *testing.T) {
	const ascii = "xn--bcher-kva.example"
	ca := newAuthority(t)
	cert := ca.issue(t, time.Now().Add(time.Hour), ascii)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != ascii || r.TLS.ServerName != ascii {
			t.Errorf("host %q, server name %q, want %q", r.Host, r.TLS.ServerName, ascii)
		}
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.StartTLS()
	t.Cleanup(server.Close)
	m := moduleOf(t, "http", func(s spec) {
		p := s.(*httpProbe)
		p.Headers = map[string]string{"host": "Bücher.example"}
		p.Client.TLSConfig.CAFile, p.Client.TLSConfig.ServerName = ca.file, "Bücher.example"
	})
	if res := probeWithin(t, m, 5*time.Second, Request{Target: server.URL}); res.Outcome != health.Pass {
		t.Errorf("%+v", res)
	}
}

func TestDNSQuestionBeyondASCII(t *testing.T) {
	for query, want := range map[string]string{
		"bücher.example": "xn--bcher-kva.example.", "_dmarc.FAß.example.": "_dmarc.xn--fa-hia.example.",
		`b\195\188cher.example`: `b\195\188cher.example.`, "Example.org": "Example.org.",
	} {
		names := make(chan string, 1)
		address := serveDNS(t, "udp", "127.0.0.1", nil, func(w dns.ResponseWriter, q *dns.Msg) {
			select {
			case names <- q.Question[0].Name:
			default: // asked again
			}
			_ = w.WriteMsg(new(dns.Msg).SetReply(q))
		})
		m := moduleOf(t, "dns", func(s spec) { s.(*dnsProbe).QueryName = query })
		res := probeWithin(t, m, 5*time.Second, Request{Target: address})
		if res.Outcome != health.Pass {
			t.Errorf("%q: %+v", query, res)
		} else if asked := <-names; asked != want {
			t.Errorf("%q asks for %q, want %q", query, asked, want)
		}
	}
}

// Nothing is this host that does not say so: to the system an empty host is.
func TestTargetsThatNameNoHost(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("asked this host") })
	u, _ := url.Parse(server)
	if conn, err := newDialer().dial(t.Context(), nil, "tcp", ":"+u.Port()); err == nil {
		conn.Close()
		t.Error("dialled this host")
	}
	for _, target := range []string{"http://./", "http://。", "https://.:443/x"} {
		if _, err := parseHTTPTarget(target); err == nil {
			t.Errorf("%q has a host", target)
		}
	}
	for _, host := range []string{".", "。", "%E3%80%82"} {
		for kind, target := range map[string]string{
			"health": "http://" + host + ":" + u.Port(), "http": "http://" + host + ":" + u.Port(), "websocket": "ws://" + host + ":" + u.Port(),
			"tcp": host + ":" + u.Port(), "grpc": host + ":" + u.Port(), "dns": host + ":" + u.Port(),
		} {
			if res := probeWithin(t, moduleOf(t, kind, nil), 2*time.Second, Request{Target: target}); res.Reason != ReasonInternal && res.Reason != ReasonDNS {
				t.Errorf("%s %s: %+v", kind, target, res)
			}
		}
	}
}
