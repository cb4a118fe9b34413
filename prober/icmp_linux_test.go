package prober

import (
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/health-exporter/health_exporter/health"
)

// rightsCases are the rights with which ICMP can be sent.
var rightsCases = map[string]icmpRights{
	"unprivileged":           {unprivileged: true},
	"unprivileged, root too": {unprivileged: true, raw: true},
	"raw":                    {raw: true},
}

// TestICMPSockets: an unprivileged socket is taken where it is permitted, else a
// raw one, else it is said what to do and the probe says nothing about the target.
func TestICMPSockets(t *testing.T) {
	for name, rights := range rightsCases {
		t.Run(name, func(t *testing.T) {
			inNamespace(t, rights)
			if err := ICMPAvailable(); err != nil {
				t.Fatal(err)
			}
			m := icmpModule(t, nil)
			pinger := m.spec.(*icmpProbe).pinger
			for target, protocol := range map[string]float64{"127.0.0.1": 4, "::1": 6, "[::1]": 6, "127.0.0.99": 4} {
				addr := netip.MustParseAddr(strings.Trim(target, "[]"))
				s, err := pinger.acquire(addr)
				if err != nil {
					t.Fatal(err)
				}
				if s.raw == rights.unprivileged {
					t.Errorf("raw: %v", s.raw)
				}
				res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
				pinger.release(s)
				if res.Outcome != health.Pass || res.Reason != "" || res.Phase != "" {
					t.Errorf("%s: %+v", target, res)
				}
				checkValues(t, res, map[string]float64{"probe_ip_protocol": protocol, "probe_icmp_reply_hop_limit": 64})
				var names []string
				for _, s := range res.Samples {
					names = append(names, s.Name)
				}
				if diff := cmp.Diff([]string{
					"probe_dns_lookup_time_seconds", "probe_ip_protocol", "probe_ip_addr_hash", "probe_icmp_duration_seconds",
					"probe_icmp_duration_seconds", "probe_icmp_duration_seconds", "probe_icmp_reply_hop_limit",
				}, names); diff != "" {
					t.Error(diff)
				}
				rtt := valuesOf(res.Samples)["probe_icmp_duration_seconds{phase=rtt}"]
				if rtt <= 0 || rtt > res.Duration.Seconds() {
					t.Errorf("round-trip time %g s of %s", rtt, res.Duration)
				}
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		inNamespace(t, icmpRights{})
		const want = `sending ICMP is not permitted: allow it with sysctl net.ipv4.ping_group_range="0 2147483647", ` +
			`or give this program the capability with setcap cap_net_raw+ep`
		if err := ICMPAvailable(); err == nil || err.Error() != want {
			t.Errorf("available: %v", err)
		}
		for _, target := range []string{"127.0.0.1", "::1"} {
			res := probeWithin(t, icmpModule(t, nil), 5*time.Second, Request{Target: target, Samples: true})
			if !res.Inconclusive || res.Outcome != health.Fail || res.Reason != ReasonInternal || res.Error != want {
				t.Errorf("%+v", res)
			}
			checkValues(t, res, map[string]float64{"probe_icmp_duration_seconds{phase=rtt}": 0, "probe_icmp_reply_hop_limit": absent})
		}
	})
}

// TestICMPOptions: the packets that arrive are as the options say.
func TestICMPOptions(t *testing.T) {
	text := func(size int) func(payload []byte) bool {
		return func(payload []byte) bool {
			return len(payload) == size && strings.HasPrefix(string(payload), echoText[:min(size, len(echoText))])
		}
	}
	for name, rights := range rightsCases {
		if name == "unprivileged" {
			continue // the host that answers needs raw sockets
		}
		t.Run(name, func(t *testing.T) {
			inNamespace(t, rights)
			requests := make(chan echoRequest, 1)
			newEchoHost(t, func(h *echoHost, r echoRequest) { requests <- r; h.reply(r) })
			for _, test := range []struct {
				name string
				set  func(p *icmpProbe)
				good func(r echoRequest) bool
				both bool // for IPv6 too
			}{
				{"defaults", nil, func(r echoRequest) bool { return r.ttl == 64 && text(28)(r.message[echoHeader:]) }, true},
				{"ttl", func(p *icmpProbe) { p.TTL = 3 }, func(r echoRequest) bool { return r.ttl == 3 }, true},
				{"no ttl", func(p *icmpProbe) { p.TTL = 0 }, func(r echoRequest) bool { return r.ttl == 64 }, true},
				{"one byte", func(p *icmpProbe) { p.PayloadSize = 1 }, func(r echoRequest) bool { return text(1)(r.message[echoHeader:]) }, true},
				{"1000 bytes", func(p *icmpProbe) { p.PayloadSize = 1000 }, func(r echoRequest) bool {
					return text(1000)(r.message[echoHeader:]) && !slices.ContainsFunc(r.message[echoHeader+defaultPayload:], func(b byte) bool { return b != 0 })
				}, true},
				{"all bytes", func(p *icmpProbe) { p.PayloadSize = maxICMPPayload }, func(r echoRequest) bool {
					return text(maxICMPPayload)(r.message[echoHeader:])
				}, false},
				{"dont_fragment", func(p *icmpProbe) { p.DontFragment = true }, func(r echoRequest) bool { return r.df }, false},
				{"dont_fragment is ignored", func(p *icmpProbe) { p.DontFragment = true }, func(r echoRequest) bool { return r.to.Is6() || r.df }, true},
				{"source", func(p *icmpProbe) { p.SourceIPAddress = "127.0.0.7" }, func(r echoRequest) bool {
					return r.from == netip.MustParseAddr("127.0.0.7")
				}, false},
			} {
				targets := []string{"127.0.0.1", "::1"}
				if !test.both {
					targets = targets[:1]
				}
				for _, target := range targets {
					res := probeWithin(t, icmpModule(t, test.set), 5*time.Second, Request{Target: target})
					if res.Outcome != health.Pass {
						t.Fatalf("%s, %s: %+v", test.name, target, res)
					}
					if r := <-requests; !test.good(r) {
						t.Errorf("%s, %s: from %s, TTL %d, don't fragment: %v, %d bytes: %.80q", test.name, target, r.from, r.ttl, r.df, len(r.message), r.message)
					}
				}
			}
		})
	}
}

// TestICMPFragmentBit: without the option the system decides, which can be told
// to leave the bit away.
func TestICMPFragmentBit(t *testing.T) {
	for name, rights := range rightsCases {
		if name == "unprivileged" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			inNamespace(t, rights)
			sysctl(t, "net/ipv4/ip_no_pmtu_disc", "1")
			requests := make(chan echoRequest, 1)
			newEchoHost(t, func(h *echoHost, r echoRequest) { requests <- r; h.reply(r) })
			for _, want := range []bool{false, true} {
				m := icmpModule(t, func(p *icmpProbe) { p.DontFragment = want })
				if res := probeWithin(t, m, 5*time.Second, Request{Target: "127.0.0.1"}); res.Outcome != health.Pass {
					t.Fatalf("%+v", res)
				}
				if r := <-requests; r.df != want {
					t.Errorf("dont_fragment: %v gives %v", want, r.df)
				}
			}
		})
	}
}

// TestICMPSource: an address that cannot be used says nothing about the target.
func TestICMPSource(t *testing.T) {
	inNamespace(t, icmpRights{unprivileged: true, raw: true})
	for source, want := range map[string]string{
		"::1":       "source_ip_address ::1 is not of the target's IP protocol",
		"192.0.2.1": "cannot assign requested address",
	} {
		m := icmpModule(t, func(p *icmpProbe) { p.SourceIPAddress = source })
		if res := probeWithin(t, m, 5*time.Second, Request{Target: "127.0.0.1"}); !res.Inconclusive || res.Error != want {
			t.Errorf("%s: %+v", source, res)
		}
	}
}

// TestICMPOtherMessages: what is not just the reply to what was sent is passed
// over, and the reply that comes after it is taken, once.
func TestICMPOtherMessages(t *testing.T) {
	change := func(at int, by byte) func(h *echoHost, r echoRequest) {
		return func(h *echoHost, r echoRequest) {
			m := replyTo(r)
			m[at] += by
			h.send(r, r.to, withChecksum(m))
		}
	}
	for name, other := range map[string]func(h *echoHost, r echoRequest){
		"identifier":      change(identifierAt, 1),
		"sequence number": change(sequenceAt, 1),
		"text":            change(echoHeader, 1),
		"number":          change(echoHeader+len(echoText), 1),
		"code":            change(1, 1),
		"request":         func(h *echoHost, r echoRequest) { h.send(r, r.to, r.message) },
		"timestamp":       change(0, 14),
		"shorter": func(h *echoHost, r echoRequest) {
			m := replyTo(r)
			h.send(r, r.to, withChecksum(m[:len(m)-1]))
		},
		"longer":      func(h *echoHost, r echoRequest) { h.send(r, r.to, withChecksum(append(replyTo(r), 0))) },
		"header only": func(h *echoHost, r echoRequest) { h.send(r, r.to, withChecksum(replyTo(r)[:echoHeader])) },
		"no header":   func(h *echoHost, r echoRequest) { h.send(r, r.to, withChecksum(replyTo(r)[:4])) },
		"checksum": func(h *echoHost, r echoRequest) {
			m := replyTo(r)
			m[checksumAt]++
			if r.to.Is6() { // the kernel would make it right
				m[echoHeader]++
			}
			h.send(r, r.to, m)
		},
		"another address": func(h *echoHost, r echoRequest) {
			if !r.to.Is6() {
				h.send(r, netip.MustParseAddr("127.0.0.2"), replyTo(r))
			}
		},
	} {
		for rightsName, rights := range map[string]icmpRights{"raw": {raw: true}, "unprivileged": {unprivileged: true, raw: true}} {
			t.Run(name+", "+rightsName, func(t *testing.T) {
				inNamespace(t, rights)
				const late = 20 * time.Millisecond
				newEchoHost(t, func(h *echoHost, r echoRequest) {
					if r.message[0] != echoRequest4 && r.message[0] != echoRequest6 || r.ttl == 55 {
						return // our own
					}
					other(h, r)
					time.Sleep(late)
					h.reply(r)
					h.reply(r)
				})
				for _, target := range []string{"127.0.0.1", "::1"} {
					m := icmpModule(t, nil)
					res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
					if res.Outcome != health.Pass {
						t.Errorf("%s: %+v", target, res)
					}
					if rtt := valuesOf(res.Samples)["probe_icmp_duration_seconds{phase=rtt}"]; rtt < late.Seconds() {
						t.Errorf("%s: taken after %g s, before the reply was sent", target, rtt)
					}
				}
			})
		}
	}
}

// untilOnly is a context whose deadline passes as soon as this many requests, of
// all that have been sent, wait for a reply on the module's socket, which is made
// here. It saves tests of loss from waiting.
func untilOnly(t *testing.T, m *Module, addr string, waiting int, allSent func() bool) context.Context {
	t.Helper()
	pinger := m.spec.(*icmpProbe).pinger
	socket, err := pinger.acquire(netip.MustParseAddr(addr))
	if err != nil {
		t.Fatal(err)
	}
	far, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	c := &earlyDeadline{far, make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(c.passed)
		for far.Err() == nil {
			socket.mu.Lock()
			now := len(socket.waiting)
			socket.mu.Unlock()
			if allSent() && now <= waiting {
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait(); pinger.release(socket) })
	return c
}

// earlyDeadline is a context whose deadline can pass before its time.
type earlyDeadline struct {
	context.Context
	passed chan struct{}
}

func (c *earlyDeadline) Done() <-chan struct{} { return c.passed }

func (c *earlyDeadline) Err() error {
	select {
	case <-c.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// TestICMPSeveral: loss, round-trip times and jitter of several packets.
func TestICMPSeveral(t *testing.T) {
	for _, test := range []struct {
		name     string
		count    int
		maxLoss  float64
		lost     []int // by the order of sending
		want     string
		reason   Reason
		phase    Phase
		received float64
		loss     float64
	}{
		{name: "all arrive", count: 5, received: 5},
		{name: "first is lost", count: 4, lost: []int{0}, want: "1 of 4 packets were lost, at most 0 % may be", reason: ReasonTimeout, phase: PhaseCheck, received: 3, loss: 0.25},
		{name: "as many as may be", count: 10, maxLoss: 0.3, lost: []int{0, 4, 9}, received: 7, loss: 0.3},
		{name: "more than may be", count: 10, maxLoss: 0.29, lost: []int{0, 4, 9}, want: "3 of 10 packets were lost, at most 29 % may be",
			reason: ReasonTimeout, phase: PhaseCheck, received: 7, loss: 0.3},
		{name: "one arrives", count: 4, maxLoss: 0.75, lost: []int{0, 1, 3}, received: 1, loss: 0.75},
		{name: "none arrives", count: 3, maxLoss: 0.9, lost: []int{0, 1, 2}, want: "no answer within 5s", reason: ReasonTimeout, phase: PhaseRequest, loss: 1},
	} {
		for _, target := range []string{"127.0.0.1", "::1"} {
			t.Run(test.name+" "+target, func(t *testing.T) {
				inNamespace(t, icmpRights{raw: true})
				var n atomic.Int32
				newEchoHost(t, func(h *echoHost, r echoRequest) {
					if !slices.Contains(test.lost, int(n.Load())) {
						h.reply(r)
					}
					n.Add(1)
				})
				m := icmpModule(t, func(p *icmpProbe) { p.Count, p.MaxLoss, p.Interval = test.count, test.maxLoss, 2*time.Millisecond })
				ctx := untilOnly(t, m, target, len(test.lost), func() bool { return int(n.Load()) == test.count })
				res := m.Probe(ctx, Request{Target: target, Samples: true})
				if res.Error != test.want || res.Reason != test.reason || res.Phase != test.phase || res.Inconclusive {
					t.Errorf("%s in phase %s: %s", res.Reason, res.Phase, res.Error)
				}
				checkValues(t, res, map[string]float64{
					"probe_icmp_packets_sent": float64(test.count), "probe_icmp_packets_received": test.received, "probe_icmp_loss_ratio": test.loss,
				})
				checkRoundTrips(t, res, test.received)
			})
		}
	}
}

// checkRoundTrips: what is known of the times depends on how many are known.
func checkRoundTrips(t *testing.T, res Result, received float64) {
	t.Helper()
	v := valuesOf(res.Samples)
	least, average, most := v["probe_icmp_rtt_seconds{type=min}"], v["probe_icmp_rtt_seconds{type=avg}"], v["probe_icmp_rtt_seconds{type=max}"]
	jitter, hasJitter := v["probe_icmp_jitter_seconds"]
	_, hasTimes := v["probe_icmp_rtt_seconds{type=min}"]
	_, hasHops := v["probe_icmp_reply_hop_limit"]
	switch {
	case hasTimes != (received > 0), hasHops != (received > 0), hasJitter != (received > 1):
		t.Errorf("times: %v, hop limit: %v, jitter: %v", hasTimes, hasHops, hasJitter)
	case hasTimes && !(0 < least && least <= average && average <= most), v["probe_icmp_duration_seconds{phase=rtt}"] != average:
		t.Errorf("round-trip times %g, %g, %g", least, average, most)
	case jitter > most-least:
		t.Errorf("jitter %g is more than %g to %g allow", jitter, least, most)
	}
}

// TestICMPLateReplies: replies count in whatever order they come, and none before
// all have been sent if there is time enough.
func TestICMPLateReplies(t *testing.T) {
	inNamespace(t, icmpRights{raw: true})
	const count = 6
	var held []echoRequest
	newEchoHost(t, func(h *echoHost, r echoRequest) {
		if held = append(held, r); len(held) == count {
			slices.Reverse(held)
			for _, r := range held {
				h.reply(r)
			}
		}
	})
	m := icmpModule(t, func(p *icmpProbe) { p.Count, p.Interval = count, 10*time.Millisecond })
	res := probeWithin(t, m, 5*time.Second, Request{Target: "127.0.0.1", Samples: true})
	checkValues(t, res, map[string]float64{"probe_icmp_packets_received": count, "probe_icmp_loss_ratio": 0})
	v := valuesOf(res.Samples)
	if spread := v["probe_icmp_rtt_seconds{type=max}"] - v["probe_icmp_rtt_seconds{type=min}"]; spread < 0.04 {
		t.Errorf("the first packet waited only %g s longer than the last, 50 ms after it", spread)
	}
}

// TestICMPConcurrent: 500 probes share one socket, and each gets its own answers.
func TestICMPConcurrent(t *testing.T) {
	for name, rights := range map[string]icmpRights{"raw": {raw: true}, "unprivileged": {unprivileged: true, raw: true}} {
		t.Run(name, func(t *testing.T) {
			inNamespace(t, rights)
			const probes = 500
			address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}) }
			answers := func(a netip.Addr) bool { b := a.As4(); return (int(b[2])<<8|int(b[3]))%3 != 0 }
			var held []echoRequest
			var seen atomic.Int32
			newEchoHost(t, func(h *echoHost, r echoRequest) {
				defer seen.Add(1)
				// All at once, the last first, and none of every third.
				if held = append(held, r); len(held) < probes {
					return
				}
				slices.Reverse(held)
				for _, r := range held {
					if answers(r.to) {
						h.reply(r)
					}
				}
			})
			m := icmpModule(t, nil)
			unanswered := 0
			for i := range probes {
				if !answers(address(i + 1)) {
					unanswered++
				}
			}
			ctx := untilOnly(t, m, "127.0.0.1", unanswered, func() bool { return seen.Load() == probes })
			var wg sync.WaitGroup
			var right, wrong atomic.Int32
			for i := range probes {
				wg.Go(func() {
					res := m.Probe(ctx, Request{Target: address(i + 1).String()})
					if (res.Outcome == health.Pass) == answers(address(i+1)) {
						right.Add(1)
					} else if wrong.Add(1) == 1 {
						t.Errorf("%s: %+v", address(i+1), res)
					}
				})
			}
			wg.Wait()
			if right.Load() != probes {
				t.Errorf("%d right and %d wrong results", right.Load(), wrong.Load())
			}
			socket := m.spec.(*icmpProbe).pinger.open[0] // which nobody changes any more
			socket.mu.Lock()
			defer socket.mu.Unlock()
			if len(socket.waiting) > 0 {
				t.Errorf("%d requests are not forgotten", len(socket.waiting))
			}
		})
	}
}

// TestICMPUnreachable: what is said about our packet is what the failure says, on
// a raw socket; an unprivileged one is not told.
func TestICMPUnreachable(t *testing.T) {
	t.Parallel()
	complain := func(kind, code byte) func(h *echoHost, r echoRequest) {
		return func(h *echoHost, r echoRequest) {
			m := []byte{kind, code, 0, 0, 0, 0, 0, 0}
			if r.to.Is6() {
				quoted := make([]byte, ipv6Header)
				quoted[0], quoted[ipv6NextAt] = 0x60, protocolICMPv6
				copy(quoted[ipv6TargetAt:], r.to.AsSlice())
				h.send(r, r.to, append(append(m, quoted...), r.message...))
				return
			}
			quoted := make([]byte, minIPv4Header)
			quoted[0], quoted[ipv4ProtocolAt] = 0x45, protocolICMP
			copy(quoted[ipv4TargetAt:], r.to.AsSlice())
			h.send(r, netip.MustParseAddr("127.0.0.9"), withChecksum(append(append(m, quoted...), r.message[:echoHeader]...)))
		}
	}
	for _, test := range []struct {
		name, target string
		rights       icmpRights
		answer       func(h *echoHost, r echoRequest)
		reason       Reason
		want         string
	}{
		{"raw", "127.0.0.1", icmpRights{raw: true}, complain(3, 1), ReasonConnect, "127.0.0.9 says: host unreachable"},
		{"raw, IPv6", "::1", icmpRights{raw: true}, complain(1, 0), ReasonConnect, "::1 says: no route to the destination"},
		{"unprivileged", "127.0.0.1", icmpRights{raw: true, unprivileged: true}, complain(3, 1), ReasonTimeout, "no answer within 500ms"},
		{"unprivileged, IPv6", "::1", icmpRights{raw: true, unprivileged: true}, complain(1, 0), ReasonTimeout, "no answer within 500ms"},
		{"of another's packet", "127.0.0.1", icmpRights{raw: true}, func(h *echoHost, r echoRequest) {
			r.message[identifierAt]++
			complain(3, 1)(h, r)
		}, ReasonTimeout, "no answer within 500ms"},
		{"but a reply comes", "127.0.0.1", icmpRights{raw: true}, func(h *echoHost, r echoRequest) {
			complain(11, 0)(h, r)
			h.reply(r)
		}, "", ""},
		{"no route", "192.0.2.1", icmpRights{raw: true}, func(*echoHost, echoRequest) {}, ReasonConnect, "network is unreachable"},
		{"no route, unprivileged", "192.0.2.1", icmpRights{raw: true, unprivileged: true}, func(*echoHost, echoRequest) {}, ReasonConnect, "network is unreachable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inNamespace(t, test.rights)
			newEchoHost(t, test.answer)
			res := probeWithin(t, icmpModule(t, nil), 500*time.Millisecond, Request{Target: test.target})
			if res.Reason != test.reason || res.Error != test.want || res.Inconclusive {
				t.Errorf("%+v, want %s: %s", res, test.reason, test.want)
			}
		})
	}
}

// TestICMPBrokenSocket: a socket from which nothing can be read any more is
// replaced, while probes that have it run into their deadlines.
func TestICMPBrokenSocket(t *testing.T) {
	inNamespace(t, icmpRights{raw: true})
	newEchoHost(t, func(h *echoHost, r echoRequest) { h.reply(r) })
	m := icmpModule(t, nil)
	pinger := m.spec.(*icmpProbe).pinger
	first, err := pinger.acquire(netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := first.conn.SetReadDeadline(time.Unix(1, 0)); err != nil { // each read fails
		t.Fatal(err)
	}
	first.wg.Wait()
	if res := probeWithin(t, m, 5*time.Second, Request{Target: "127.0.0.1"}); res.Outcome != health.Pass {
		t.Errorf("%+v", res)
	}
	pinger.release(first)
}

// TestICMPSocketShared: probes that overlap have one socket for each family, and
// the last of them closes it.
func TestICMPSocketShared(t *testing.T) {
	inNamespace(t, icmpRights{raw: true})
	pinger := icmpModule(t, nil).spec.(*icmpProbe).pinger
	acquire := func(text string) *pingSocket {
		s, err := pinger.acquire(netip.MustParseAddr(text))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b, c := acquire("127.0.0.1"), acquire("127.0.0.2"), acquire("::1")
	if a != b || a == c {
		t.Error("one socket for each family is wanted")
	}
	pinger.release(a)
	if d := acquire("127.0.0.3"); d != a || d.closed.Load() {
		t.Error("the socket was closed although it is in use")
	}
	pinger.release(a)
	pinger.release(a)
	if !a.closed.Load() || c.closed.Load() {
		t.Error("the last to leave closes the socket, and no other")
	}
	pinger.release(c)
	e := acquire("127.0.0.1")
	if e == a {
		t.Error("a closed socket is used again")
	}
	pinger.release(e)
}

// TestICMPSequenceNumbers: a number that waits for its reply is not given again.
func TestICMPSequenceNumbers(t *testing.T) {
	inNamespace(t, icmpRights{raw: true})
	var seen []uint16
	done := make(chan bool, 3)
	newEchoHost(t, func(_ *echoHost, r echoRequest) {
		seen = append(seen, binary.BigEndian.Uint16(r.message[sequenceAt:]))
		done <- true
	})
	pinger := icmpModule(t, nil).spec.(*icmpProbe).pinger
	addr := netip.MustParseAddr("127.0.0.1")
	s, err := pinger.acquire(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer pinger.release(s)
	e := s.begin(addr, 3)
	defer e.end()
	for i, next := range []uint16{0xffff, 0xffff, 0xffff} {
		s.mu.Lock()
		s.next = next
		s.mu.Unlock()
		if err := e.send(i); err != nil {
			t.Fatal(err)
		}
		<-done
	}
	if diff := cmp.Diff([]uint16{0xffff, 0, 1}, seen); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkICMP(b *testing.B) {
	for name, rights := range map[string]icmpRights{"raw": {raw: true}, "unprivileged": {unprivileged: true}} {
		for _, kept := range []bool{false, true} {
			b.Run(name+map[bool]string{true: ", socket in use"}[kept], func(b *testing.B) {
				inNamespace(b, rights)
				m := icmpModule(b, nil)
				if kept {
					pinger := m.spec.(*icmpProbe).pinger
					s, err := pinger.acquire(netip.MustParseAddr("127.0.0.1"))
					if err != nil {
						b.Fatal(err)
					}
					defer pinger.release(s)
				}
				b.ReportAllocs()
				for b.Loop() {
					if res := probeWithin(b, m, 5*time.Second, Request{Target: "127.0.0.1", Samples: true}); res.Outcome != health.Pass {
						b.Fatalf("%+v", res)
					}
				}
			})
		}
	}
}
