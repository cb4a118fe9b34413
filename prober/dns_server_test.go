package prober

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// serveDNS answers on a port of loopback, over TLS if there is a certificate,
// until the test ends.
func serveDNS(t testing.TB, network, host string, cert *tls.Certificate, handler dns.HandlerFunc) string {
	t.Helper()
	server := &dns.Server{Handler: handler}
	address := net.JoinHostPort(host, "0")
	if network == "udp" {
		conn, err := net.ListenPacket(network, address)
		if err != nil {
			t.Fatal(err)
		}
		server.PacketConn, address = conn, conn.LocalAddr().String()
	} else {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		address = l.Addr().String()
		if cert != nil {
			l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*cert}})
		}
		server.Listener = l
	}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.ActivateAndServe(); err != nil {
			t.Errorf("serving DNS: %v", err)
		}
	})
	<-started
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.ShutdownContext(ctx) // a handler may be silent on purpose
		wg.Wait()
	})
	return address
}

// rr reads a record in its presentation format.
func rr(t testing.TB, text string) dns.RR {
	t.Helper()
	record, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// fullAnswer has records in all sections.
func fullAnswer(t testing.TB, query *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(query)
	m.Answer = []dns.RR{rr(t, "example.org. 60 IN A 192.0.2.1"), rr(t, "example.org. 60 IN A 192.0.2.2")}
	m.Ns = []dns.RR{rr(t, "example.org. 60 IN NS ns.example.org.")}
	m.Extra = []dns.RR{
		rr(t, "ns.example.org. 60 IN A 192.0.2.3"), rr(t, "ns.example.org. 60 IN AAAA 2001:db8::3"), rr(t, `ns.example.org. 60 IN TXT "x"`),
	}
	return m
}

func answerFully(t testing.TB) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) { _ = w.WriteMsg(fullAnswer(t, query)) }
}

// overHTTPSHandler answers DNS over HTTPS, and complains of requests that are
// not as RFC 8484 has them.
func overHTTPSHandler(t testing.TB, answer func(query *dns.Msg) *dns.Msg) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var query dns.Msg
		err := query.Unpack(body)
		if err != nil || query.Id != 0 || r.Method != http.MethodPost || r.URL.RequestURI() != "/dns-query" ||
			r.Header.Get("Content-Type") != dnsMediaType || r.Header.Get("Accept") != dnsMediaType || r.Header.Get("User-Agent") == "" {
			t.Errorf("%s %s, %v, ID %d, header %v", r.Method, r.URL, err, query.Id, r.Header)
		}
		packed, err := answer(&query).Pack()
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", dnsMediaType)
		w.Header().Set("X-Proto", r.Proto)
		_, _ = w.Write(packed)
	}
}

// serveDNSOverHTTPS answers over HTTP/1.1, or over HTTP/2 alone.
func serveDNSOverHTTPS(t testing.TB, host string, cert tls.Certificate, http2 bool, handler http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (r.ProtoMajor == 2) != http2 {
			t.Errorf("asked over %s", r.Proto)
		}
		handler(w, r)
	}))
	server.Listener.Close()
	server.Listener = l
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are expected
	server.StartTLS()
	t.Cleanup(server.Close)
	return l.Addr().String()
}
