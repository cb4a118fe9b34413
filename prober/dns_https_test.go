package prober

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/common/config"
)

// TestDNSTLS: a certificate that is not trusted, or not the server's, fails the probe.
func TestDNSTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	expiry := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, test := range []struct {
		name, want string
		cert       tls.Certificate
		options    config.TLSConfig
	}{
		{"unknown authority", "certificate is signed by an unknown authority", other.issue(t, expiry, "127.0.0.1"), config.TLSConfig{CAFile: ca.file}},
		{"another name", "certificate is valid for 127.0.0.2, not 127.0.0.1", ca.issue(t, expiry, "127.0.0.2"), config.TLSConfig{CAFile: ca.file}},
		{"name in the options", "", ca.issue(t, expiry, "ns.example.org"), config.TLSConfig{CAFile: ca.file, ServerName: "ns.example.org"}},
		{"not verified", "", other.issue(t, expiry, "127.0.0.2"), config.TLSConfig{InsecureSkipVerify: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := dnsModule(t, func(p *dnsProbe) { p.DNSOverTLS, p.TLSConfig = true, test.options })
			target := serveDNS(t, "tcp", "127.0.0.1", &test.cert, answerFully(t))
			res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
			if res.Error != test.want || test.want != "" && (res.Reason != ReasonTLS || res.Phase != PhaseTLS) {
				t.Errorf("%+v, want %q", res, test.want)
			}
			if !res.CertExpiry.Equal(expiry) {
				t.Errorf("certificate expires at %s", res.CertExpiry)
			}
		})
	}
	t.Run("no TLS", func(t *testing.T) {
		m := dnsModule(t, func(p *dnsProbe) { p.DNSOverTLS = true })
		target := listen(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "hello, who is there?")
			_, _ = io.Copy(io.Discard, conn)
		})
		if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Reason != ReasonTLS || res.Phase != PhaseTLS {
			t.Errorf("%+v", res)
		}
	})
	t.Run("connection closed", func(t *testing.T) {
		m := dnsModule(t, func(p *dnsProbe) { p.DNSOverTLS = true })
		target := listen(t, func(net.Conn) {})
		if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Reason != ReasonTLS || res.Phase != PhaseTLS {
			t.Errorf("%+v", res)
		}
	})
}

// TestDNSOverHTTPSAnswers has what a server can answer besides DNS.
func TestDNSOverHTTPSAnswers(t *testing.T) {
	ca := newAuthority(t)
	cert := ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	for _, test := range []struct {
		name   string
		answer func(w http.ResponseWriter, query []byte)
		reason Reason
		want   string
		code   int
	}{
		{"status", func(w http.ResponseWriter, _ []byte) { w.WriteHeader(http.StatusNotFound) }, ReasonStatus, "404", 404},
		{"redirect", func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusFound)
		}, ReasonStatus, "302", 302},
		{
			"type", func(w http.ResponseWriter, _ []byte) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte("hello"))
			},
			ReasonBody, `answer of type "text/html", want application/dns-message`, 200,
		},
		{"no type", func(w http.ResponseWriter, _ []byte) { w.Header()["Content-Type"] = nil }, ReasonBody, `answer of type ""`, 200},
		{"type with a parameter", func(w http.ResponseWriter, query []byte) {
			w.Header().Set("Content-Type", "Application/DNS-Message; x=y")
			_, _ = w.Write(answerTo(t, query, nil))
		}, "", "", 200},
		{"no body", func(w http.ResponseWriter, _ []byte) { w.Header().Set("Content-Type", dnsMediaType) }, ReasonBody, "answer of 0 bytes is not a DNS message", 200},
		{"too large", func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("Content-Type", dnsMediaType)
			_, _ = w.Write(make([]byte, maxDNSMessage+1))
		}, ReasonBody, "answer is larger than 65535 bytes", 200},
		{"other question", func(w http.ResponseWriter, query []byte) {
			w.Header().Set("Content-Type", dnsMediaType)
			_, _ = w.Write(answerTo(t, query, func(m *dns.Msg) { m.Question[0].Name = "a." }))
		}, ReasonBody, "answer to another question", 200},
		{"broken off", func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("Content-Type", dnsMediaType)
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, ReasonConnect, "", 200},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(test.name+map[bool]string{true: ", HTTP/2"}[http2], func(t *testing.T) {
				var requests atomic.Int32
				target := serveDNSOverHTTPS(t, "127.0.0.1", cert, http2, func(w http.ResponseWriter, r *http.Request) {
					requests.Add(1)
					query, _ := io.ReadAll(r.Body)
					test.answer(w, query)
				})
				m := dnsModule(t, func(p *dnsProbe) { p.TransportProtocol, p.TLSConfig = "https", config.TLSConfig{CAFile: ca.file} })
				res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
				if res.Reason != test.reason || !strings.Contains(res.Error, test.want) || res.StatusCode != test.code {
					t.Errorf("%+v, want %s %q", res, test.reason, test.want)
				}
				if n := requests.Load(); n != 1 {
					t.Errorf("%d requests", n)
				}
			})
		}
	}
}
