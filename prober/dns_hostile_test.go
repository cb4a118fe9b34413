package prober

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

// serveDatagrams hands each datagram to serve, until the test ends.
func serveDatagrams(t testing.TB, address string, serve func(conn net.PacketConn, from net.Addr, query []byte)) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 65535)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			serve(conn, from, buf[:n])
		}
	})
	t.Cleanup(func() { conn.Close(); wg.Wait() })
	return conn.LocalAddr().String()
}

// answerTo is the answer to a query in wire format, changed.
func answerTo(t testing.TB, query []byte, change func(m *dns.Msg)) []byte {
	t.Helper()
	var asked dns.Msg
	if err := asked.Unpack(query); err != nil {
		t.Error(err)
	}
	m := fullAnswer(t, &asked)
	if change != nil {
		change(m)
	}
	packed, err := m.Pack()
	if err != nil {
		t.Error(err)
	}
	return packed
}

// TestDNSOtherAnswers: what does not answer our question is passed over, and the
// answer that comes after it is taken.
func TestDNSOtherAnswers(t *testing.T) {
	stranger, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for name, other := range map[string]func(conn net.PacketConn, from net.Addr, query []byte){
		"wrong ID": func(conn net.PacketConn, from net.Addr, query []byte) {
			_, _ = conn.WriteTo(answerTo(t, query, func(m *dns.Msg) { m.Id++; m.Rcode = dns.RcodeRefused }), from)
		},
		"wrong name": func(conn net.PacketConn, from net.Addr, query []byte) {
			_, _ = conn.WriteTo(answerTo(t, query, func(m *dns.Msg) { m.Question[0].Name = "example.com."; m.Rcode = dns.RcodeRefused }), from)
		},
		"wrong type": func(conn net.PacketConn, from net.Addr, query []byte) {
			_, _ = conn.WriteTo(answerTo(t, query, func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeMX; m.Rcode = dns.RcodeRefused }), from)
		},
		"wrong class": func(conn net.PacketConn, from net.Addr, query []byte) {
			_, _ = conn.WriteTo(answerTo(t, query, func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS; m.Rcode = dns.RcodeRefused }), from)
		},
		"two questions": func(conn net.PacketConn, from net.Addr, query []byte) {
			_, _ = conn.WriteTo(answerTo(t, query, func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]); m.Rcode = dns.RcodeRefused }), from)
		},
		"the query": func(conn net.PacketConn, from net.Addr, query []byte) { _, _ = conn.WriteTo(query, from) },
		"spoofed source": func(_ net.PacketConn, from net.Addr, query []byte) {
			_, _ = stranger.WriteTo(answerTo(t, query, func(m *dns.Msg) { m.Rcode = dns.RcodeRefused }), from)
		},
	} {
		t.Run(name, func(t *testing.T) {
			target := serveDatagrams(t, "127.0.0.1:0", func(conn net.PacketConn, from net.Addr, query []byte) {
				other(conn, from, query)
				_, _ = conn.WriteTo(answerTo(t, query, nil), from)
			})
			res := probeWithin(t, dnsModule(t, nil), 5*time.Second, Request{Target: target, Samples: true})
			if res.Outcome != health.Pass {
				t.Fatalf("%+v", res)
			}
			checkValues(t, res, map[string]float64{"probe_dns_answer_rrs": 2, "probe_dns_additional_rrs": 3})
		})
	}
}

// TestDNSAcceptableAnswers: not every difference makes an answer somebody else's.
func TestDNSAcceptableAnswers(t *testing.T) {
	for name, change := range map[string]func(m *dns.Msg){
		"no question": func(m *dns.Msg) { m.Question = nil },
		"capitals":    func(m *dns.Msg) { m.Question[0].Name = "EXAMPLE.org." },
		"more than 512": func(m *dns.Msg) {
			m.Extra = append(m.Extra, rr(t, `a. 1 IN TXT "`+strings.Repeat("x", 250)+`" "`+strings.Repeat("y", 250)+`"`))
		},
		"other TTL":      func(m *dns.Msg) { m.Answer[0].Header().Ttl = 0 },
		"other owner":    func(m *dns.Msg) { m.Answer[0].Header().Name = "alias.example.org." },
		"more is hidden": func(m *dns.Msg) { m.Authoritative, m.RecursionAvailable, m.Zero = true, true, true },
	} {
		t.Run(name, func(t *testing.T) {
			target := serveDatagrams(t, "127.0.0.1:0", func(conn net.PacketConn, from net.Addr, query []byte) {
				_, _ = conn.WriteTo(answerTo(t, query, change), from)
			})
			if res := probeWithin(t, dnsModule(t, nil), 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
				t.Errorf("%+v", res)
			}
		})
	}
}

// TestDNSGarbage: nonsense fails at once, over each transport.
func TestDNSGarbage(t *testing.T) {
	// withID is a message that has our ID, so that it counts as an answer.
	withID := func(query []byte, rest ...byte) []byte { return append(append([]byte{}, query[:2]...), rest...) }
	header := []byte{0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0}
	for _, test := range []struct {
		name   string
		answer func(query []byte) []byte
		want   string
	}{
		{"short", func(query []byte) []byte { return query[:3] }, "answer of 3 bytes is not a DNS message"},
		{"records are missing", func(query []byte) []byte { return withID(query, header...) }, "answer is not a DNS message: "},
		{"records are missing after the question", func(query []byte) []byte {
			return withID(query, append(header, query[12:]...)...)
		}, "answer is not a DNS message: it announces 1 records and has 0"},
		{"loop of names", func(query []byte) []byte { return withID(query, append(header, 0xc0, 12, 0, 1, 0, 1)...) }, "answer is not a DNS message: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			udp := serveDatagrams(t, "127.0.0.1:0", func(conn net.PacketConn, from net.Addr, query []byte) {
				_, _ = conn.WriteTo(test.answer(query), from)
			})
			tcp := listen(t, func(conn net.Conn) {
				query := readFramed(conn)
				if query == nil {
					return
				}
				answer := test.answer(query)
				_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
			})
			for transport, target := range map[string]string{"udp": udp, "tcp": tcp} {
				m := dnsModule(t, func(p *dnsProbe) { p.TransportProtocol = transport })
				res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
				if res.Reason != ReasonBody || !strings.Contains(res.Error, test.want) || res.Inconclusive {
					t.Errorf("%s: %+v, want %s", transport, res, test.want)
				}
				checkValues(t, res, map[string]float64{"probe_dns_query_succeeded": 0})
			}
		})
	}
}

func readFramed(conn net.Conn) []byte {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, message); err != nil {
		return nil
	}
	return message
}

// TestDNSStreamBreaks has the ways in which a connection can end.
func TestDNSStreamBreaks(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(conn net.Conn, query []byte)
		reason Reason
		want   string
	}{
		"closed at once":        {func(net.Conn, []byte) {}, ReasonConnect, "connection closed without an answer"},
		"closed in the length":  {func(conn net.Conn, _ []byte) { _, _ = conn.Write([]byte{0}) }, ReasonConnect, "connection closed in the middle of the answer"},
		"closed after it":       {func(conn net.Conn, _ []byte) { _, _ = conn.Write([]byte{0, 9}) }, ReasonConnect, "connection closed in the middle of the answer"},
		"closed in the message": {func(conn net.Conn, _ []byte) { _, _ = conn.Write([]byte{0, 9, 1}) }, ReasonConnect, "connection closed in the middle of the answer"},
		"wrong ID": {func(conn net.Conn, query []byte) {
			answer := answerTo(t, query, func(m *dns.Msg) { m.Id++ })
			_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
		}, ReasonBody, "answer to another question"},
	} {
		t.Run(name, func(t *testing.T) {
			target := listen(t, func(conn net.Conn) {
				if query := readFramed(conn); query != nil {
					test.answer(conn, query)
				}
			})
			m := dnsModule(t, func(p *dnsProbe) { p.TransportProtocol = "tcp" })
			res := probeWithin(t, m, 5*time.Second, Request{Target: target})
			if res.Reason != test.reason || res.Error != test.want || res.Phase != PhaseRequest {
				t.Errorf("%+v, want %s: %s", res, test.reason, test.want)
			}
		})
	}
}

// TestDNSSilence: a server that says nothing, or nothing that counts, costs what
// the deadline allows and no more; so does one that nobody waits for any more.
func TestDNSSilence(t *testing.T) {
	const limit = 150 * time.Millisecond
	quiet := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	half := listen(t, func(conn net.Conn) {
		_, _ = conn.Write([]byte{0, 100, 1, 2, 3})
		_, _ = io.Copy(io.Discard, conn)
	})
	chatty := serveDatagrams(t, "127.0.0.1:0", func(conn net.PacketConn, from net.Addr, query []byte) {
		for range 1000 {
			query[0]++
			_, _ = conn.WriteTo(query, from)
		}
	})
	ca := newAuthority(t)
	released := make(chan struct{})
	handler := func(w http.ResponseWriter, r *http.Request) { <-released }
	https := serveDNSOverHTTPS(t, "127.0.0.1", ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1"), true, handler)
	defer close(released)
	for _, test := range []struct {
		name, target string
		set          func(p *dnsProbe)
		phase        Phase
	}{
		{"udp", serveDatagrams(t, "127.0.0.1:0", func(net.PacketConn, net.Addr, []byte) {}), func(*dnsProbe) {}, PhaseRequest},
		{"udp, other answers", chatty, func(*dnsProbe) {}, PhaseRequest},
		{"tcp", quiet, func(p *dnsProbe) { p.TransportProtocol = "tcp" }, PhaseRequest},
		{"tcp, half an answer", half, func(p *dnsProbe) { p.TransportProtocol = "tcp" }, PhaseRequest},
		{"handshake", quiet, func(p *dnsProbe) { p.DNSOverTLS = true }, PhaseTLS},
		{"https", https, func(p *dnsProbe) {
			p.TransportProtocol, p.TLSConfig = "https", config.TLSConfig{CAFile: ca.file}
		}, PhaseRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := dnsModule(t, test.set)
			res := probeWithin(t, m, limit, Request{Target: test.target, Samples: true})
			if res.Reason != ReasonTimeout || res.Phase != test.phase || res.Error != "no answer within 150ms" {
				t.Errorf("%s in phase %s: %s", res.Reason, res.Phase, res.Error)
			}
			if res.Duration < limit || res.Duration > limit+2*time.Second {
				t.Errorf("took %s", res.Duration)
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(30*time.Millisecond, cancel)
			res = m.Probe(ctx, Request{Target: test.target})
			if !res.Inconclusive || res.Reason != ReasonInternal || res.Duration > 2*time.Second {
				t.Errorf("cancelled: %+v", res)
			}
		})
	}
}

// TestDNSUnreachable: a server that is not there is noticed before the deadline.
func TestDNSUnreachable(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := conn.LocalAddr().String()
	conn.Close()
	res := probeWithin(t, dnsModule(t, nil), 5*time.Second, Request{Target: target})
	if res.Reason != ReasonConnect || res.Phase != PhaseRequest || res.Error != "connection refused" || res.Duration > 2*time.Second {
		t.Errorf("%+v", res)
	}
}
