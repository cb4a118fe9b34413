package prober

import (
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/health-exporter/health_exporter/internal/testport"
)

// TestDNSTruncated: a truncated answer is asked for again over TCP, unless that
// is switched off.
func TestDNSTruncated(t *testing.T) {
	truncate := func(m *dns.Msg) { m.Truncated, m.Answer, m.Ns, m.Extra = true, m.Answer[:1], nil, nil }
	cut := func(wire []byte) []byte { return wire[:len(wire)-3] }
	for _, test := range []struct {
		name     string
		overUDP  func(query []byte) []byte
		overTCP  func(m *dns.Msg) // nil if nothing listens
		fallback bool
		want     string
		reason   Reason
		phase    Phase
		answers  float64
		success  float64
	}{
		{
			name: "again over TCP", overUDP: func(q []byte) []byte { return answerTo(t, q, truncate) }, overTCP: func(*dns.Msg) {},
			fallback: true, answers: 2, success: 1,
		},
		{
			name: "cut in a record", overUDP: func(q []byte) []byte { return cut(answerTo(t, q, truncate)) }, overTCP: func(*dns.Msg) {},
			fallback: true, answers: 2, success: 1,
		},
		{
			name: "as blackbox_exporter", overUDP: func(q []byte) []byte { return answerTo(t, q, truncate) }, overTCP: func(*dns.Msg) {},
			answers: 1, success: 1,
		},
		{
			name: "as blackbox_exporter, cut in a record", overUDP: func(q []byte) []byte { return cut(answerTo(t, q, truncate)) },
			overTCP: func(*dns.Msg) {}, want: "answer is truncated in the middle of a record", reason: ReasonBody, phase: PhaseRequest,
		},
		{
			name: "TCP refused", overUDP: func(q []byte) []byte { return answerTo(t, q, truncate) }, fallback: true,
			want: "answer is truncated; asking over TCP: connection refused", reason: ReasonConnect, phase: PhaseConnect, answers: 1, success: 1,
		},
		{
			name: "truncated over TCP too", overUDP: func(q []byte) []byte { return answerTo(t, q, truncate) },
			overTCP: func(m *dns.Msg) { truncate(m); m.Ns = []dns.RR{rr(t, "a. 1 IN NS b.")} }, fallback: true, answers: 1, success: 1,
		},
		{
			name: "wrong code over TCP", overUDP: func(q []byte) []byte { return answerTo(t, q, truncate) },
			overTCP: func(m *dns.Msg) { m.Rcode = dns.RcodeRefused }, fallback: true,
			want: "answer REFUSED, want NOERROR", reason: ReasonStatus, phase: PhaseCheck, answers: 2, success: 1,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := testport.Reserve(t)
			if test.overTCP != nil {
				target = serveDNS(t, "tcp", "127.0.0.1", nil, func(w dns.ResponseWriter, query *dns.Msg) {
					m := fullAnswer(t, query)
					test.overTCP(m)
					_ = w.WriteMsg(m)
				})
			}
			serveDatagrams(t, target, func(conn net.PacketConn, from net.Addr, query []byte) {
				_, _ = conn.WriteTo(test.overUDP(query), from)
			})
			m := dnsModule(t, func(p *dnsProbe) { p.TCPFallback = test.fallback })
			res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
			if res.Error != test.want || res.Reason != test.reason || res.Phase != test.phase {
				t.Errorf("%s in phase %s: %q, want %q", res.Reason, res.Phase, res.Error, test.want)
			}
			checkValues(t, res, map[string]float64{"probe_dns_answer_rrs": test.answers, "probe_dns_query_succeeded": test.success})
		})
	}
}
