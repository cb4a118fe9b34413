package prober

import (
	"net/netip"
	"slices"
	"strings"
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
			noRoute := test.want == "network is unreachable" // which is our fault, not the target's
			if res.Reason != test.reason || res.Error != test.want || res.Inconclusive != noRoute {
				t.Errorf("%+v, want %s: %s", res, test.reason, test.want)
			}
		})
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
