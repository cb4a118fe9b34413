package prober

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// What a server makes of our certificate counts, with TLS 1.3 too, where it says so
// when the handshake is over; also if we have nothing to say ourselves.
func TestServersThatWantACertificate(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	until := time.Now().Add(time.Hour)
	clients := x509.NewCertPool()
	clients.AddCert(ca.cert)
	goodCert, goodKey := keyPair(t, ca.issue(t, until, "me.example"))
	badCert, badKey := keyPair(t, other.issue(t, until, "me.example"))
	server := ca.issue(t, until, "127.0.0.1")
	for _, test := range []struct {
		name      string
		ask       tls.ClientAuthType
		cert, key string
		noTickets bool
		then      func(net.Conn)
		want      Reason
		least     time.Duration
	}{
		{name: "required, none", ask: tls.RequireAndVerifyClientCert, want: ReasonTLS},
		{name: "required, good", ask: tls.RequireAndVerifyClientCert, cert: goodCert, key: goodKey},
		{name: "required, of somebody else", ask: tls.RequireAndVerifyClientCert, cert: badCert, key: badKey, want: ReasonTLS},
		{name: "required, none, no tickets", ask: tls.RequireAndVerifyClientCert, noTickets: true, want: ReasonTLS},
		{name: "asked for, none", ask: tls.RequestClientCert},
		{name: "asked for, none, and it talks", ask: tls.RequestClientCert, noTickets: true, then: func(c net.Conn) { _, _ = io.WriteString(c, "hello\n") }},
		{name: "asked for, none, and it says nothing", ask: tls.RequestClientCert, noTickets: true},
		{name: "asked for, none, and it hangs up", ask: tls.RequestClientCert, noTickets: true, then: func(c net.Conn) { c.Close() }, want: ReasonTLS},
		{name: "not asked for", ask: tls.NoClientCert, noTickets: true},
		{name: "not asked for, and it hangs up", ask: tls.NoClientCert, noTickets: true, then: func(c net.Conn) { c.Close() }},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(test.name+" "+tls.VersionName(version), func(t *testing.T) {
				options := &tls.Config{
					Certificates: []tls.Certificate{server}, ClientAuth: test.ask, ClientCAs: clients,
					MaxVersion: version, SessionTicketsDisabled: test.noTickets,
				}
				target := listen(t, func(conn net.Conn) {
					secure := tls.Server(conn, options)
					if secure.Handshake() != nil {
						return
					}
					if test.then != nil {
						test.then(secure)
					}
					silent(secure)
				})
				m := tcpModule(t, func(p *tcpProbe) {
					p.TLS, p.TLSConfig.CAFile, p.TLSConfig.CertFile, p.TLSConfig.KeyFile = true, ca.file, test.cert, test.key
				})
				want := test.want
				if test.then != nil && version == tls.VersionTLS12 {
					want = ReasonNone // the handshake was all there was to say
				}
				begin := time.Now()
				res := probeWithin(t, m, 5*time.Second, Request{Target: target})
				if res.Reason != want || want != ReasonNone && res.Phase != PhaseTLS {
					t.Errorf("%+v, want %q", res, want)
				}
				if took := time.Since(begin); took > 2*verdictPatience {
					t.Errorf("took %s", took)
				}
			})
		}
	}
}

// A dialogue that only sends hears no refusal either; one that hears something needs not
// wait, and loses nothing of what it hears.
func TestDialoguesWithServersThatWantACertificate(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(time.Hour)
	clients := x509.NewCertPool()
	clients.AddCert(ca.cert)
	cert, key := keyPair(t, ca.issue(t, until, "me.example"))
	server := ca.issue(t, until, "127.0.0.1")
	ready := re("^ready$")
	dialogues := map[string][]QueryResponse{
		"one line":       {{Send: "hi"}},
		"several lines":  {{Send: "hi"}, {}, {Send: "bye"}},
		"expects":        {{Expect: ready}},
		"expects, sends": {{Expect: ready, Send: "bye"}},
		"sends, expects": {{Send: "hi"}, {ExpectBytes: "ready"}},
		"starttls":       {{Send: "now"}, {StartTLS: true}, {Send: "hi"}},
		"starttls twice": {{Send: "now", StartTLS: true}, {Send: "hi"}, {Expect: ready}, {Send: "bye"}},
	}
	for name, steps := range dialogues {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, with := range []bool{false, true} {
				t.Run(fmt.Sprint(name, " ", tls.VersionName(version), " ", with), func(t *testing.T) {
					later := strings.HasPrefix(name, "starttls")
					target := listen(t, func(conn net.Conn) {
						if later {
							if _, err := io.ReadFull(conn, make([]byte, len("now\n"))); err != nil {
								return
							}
						}
						secure := tls.Server(conn, &tls.Config{
							Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, MaxVersion: version,
						})
						if secure.Handshake() == nil {
							_, _ = io.WriteString(secure, "ready\n")
							silent(secure)
						}
					})
					m := tcpModule(t, func(p *tcpProbe) {
						p.TLS, p.TLSConfig.CAFile, p.QueryResponse = !later, ca.file, steps
						if with {
							p.TLSConfig.CertFile, p.TLSConfig.KeyFile = cert, key
						}
					})
					res := probeWithin(t, m, 5*time.Second, Request{Target: target})
					if with && res.Outcome != health.Pass || !with && res.Reason != ReasonTLS {
						t.Errorf("%+v", res)
					}
				})
			}
		}
	}
}

// The wait for a verdict never makes a probe miss its deadline.
func TestVerdictsAndShortDeadlines(t *testing.T) {
	ca := newAuthority(t)
	options := &tls.Config{
		Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")},
		ClientAuth:   tls.RequestClientCert, SessionTicketsDisabled: true,
	}
	target := listen(t, func(conn net.Conn) { silent(tls.Server(conn, options)) })
	m := tcpModule(t, func(p *tcpProbe) { p.TLS, p.TLSConfig.CAFile = true, ca.file })
	if res := probeWithin(t, m, 300*time.Millisecond, Request{Target: target}); res.Outcome != health.Pass || res.Duration > 280*time.Millisecond {
		t.Errorf("%+v", res)
	}
}
