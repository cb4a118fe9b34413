package prober

import (
	"context"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// icmpModule makes a module of kind icmp; set may change its options.
func icmpModule(t testing.TB, set func(p *icmpProbe)) *Module {
	t.Helper()
	m, err := NewModule(ModuleSource{Kind: "icmp", Decode: func(into any) error {
		if set != nil {
			set(into.(*icmpProbe))
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mayPing is for tests that ping with whatever rights they have.
func mayPing(t *testing.T) {
	t.Helper()
	if err := ICMPAvailable(); err != nil {
		testneed.Missing(t, "the right to ping ("+err.Error()+")", "run the test as root, or set net.ipv4.ping_group_range to the user's group")
	}
}

// TestICMPLoopback pings this host with whatever rights the test has.
func TestICMPLoopback(t *testing.T) {
	mayPing(t)
	m := icmpModule(t, func(p *icmpProbe) { p.Count, p.Interval = 2, time.Millisecond })
	for target, hash := range map[string]float64{"127.0.0.1": 3668918509, "::1": 1751717746} {
		res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
		if res.Outcome != health.Pass {
			t.Errorf("%s: %+v", target, res)
		}
		checkValues(t, res, map[string]float64{"probe_ip_addr_hash": hash, "probe_icmp_packets_received": 2})
	}
}

// TestICMPWithoutPacket: what ends a probe before a packet is sent.
func TestICMPWithoutPacket(t *testing.T) {
	resolver := fakeDNS(t, map[string][][]string{"host.example.org": {{"127.0.0.1"}}})
	none := map[string]float64{
		"probe_ip_protocol": 0, "probe_ip_addr_hash": 0, "probe_icmp_duration_seconds{phase=resolve}": 0,
		"probe_icmp_duration_seconds{phase=setup}": 0, "probe_icmp_duration_seconds{phase=rtt}": 0, "probe_icmp_reply_hop_limit": absent,
	}
	for _, test := range []struct {
		name, target string
		set          func(p *icmpProbe)
		policy       *NetworkPolicy
		reason       Reason
		phase        Phase
		inconclusive bool
		want         string
		samples      map[string]float64
	}{
		{"no such name", "nowhere.example.org", nil, nil, ReasonDNS, PhaseResolve, false, "looking up nowhere.example.org: no such host", none},
		{"a URL", "http://host.example.org/", nil, nil, ReasonDNS, PhaseResolve, false, "looking up http://host.example.org/: no such host", none},
		{"nothing", "", nil, nil, ReasonInternal, PhaseResolve, false, "target has no host", none},
		{
			"other protocol", "127.0.0.1", func(p *icmpProbe) { p.IPProtocolFallback = false }, nil, ReasonDNS, PhaseResolve, false,
			"looking up 127.0.0.1: no IPv6 address", none,
		},
		{
			"policy", "127.0.0.1", nil, &NetworkPolicy{Deny: []NetworkRule{dnsRule(t, "127.0.0.0/8")}}, ReasonPolicy, PhaseResolve, false,
			"the network policy forbids 127.0.0.1: denied by 127.0.0.0/8", none,
		},
		{
			"policy, by name", "host.example.org", nil, &NetworkPolicy{Deny: []NetworkRule{dnsRule(t, "127.0.0.0/8")}}, ReasonPolicy, PhaseConnect, false,
			"the network policy forbids 127.0.0.1: denied by 127.0.0.0/8",
			map[string]float64{"probe_ip_protocol": 4},
		},
		{"multicast", "224.0.0.1", nil, nil, ReasonPolicy, PhaseResolve, false, "the network policy forbids 224.0.0.1: multicast address", none},
		{
			"no time", "127.0.0.1", func(p *icmpProbe) { p.Count, p.Interval = 100, time.Second }, nil, ReasonInternal, PhaseNone, true,
			"sending 100 packets 1s apart takes 1m39s, and the timeout is 5s",
			map[string]float64{"probe_ip_protocol": absent},
		},
		{
			"payload", "127.0.0.1", func(p *icmpProbe) { p.PayloadSize = -1 }, nil, ReasonInternal, PhaseResolve, true,
			"payload_size: must be from 0 to 65507, not -1",
			map[string]float64{"probe_ip_protocol": 4},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := icmpModule(t, test.set)
			m.spec.(*icmpProbe).dialer.resolver = resolver
			res := probeWithin(t, m, 5*time.Second, Request{Target: test.target, Network: test.policy, Samples: true})
			if res.Outcome != health.Fail || res.Reason != test.reason || res.Phase != test.phase || res.Error != test.want || res.Inconclusive != test.inconclusive {
				t.Errorf("%s in phase %q: %s, inconclusive: %v", res.Reason, res.Phase, res.Error, res.Inconclusive)
			}
			checkValues(t, res, test.samples)
		})
	}
}

// TestICMPCancelled: a probe that nobody waits for ends at once.
func TestICMPCancelled(t *testing.T) {
	mayPing(t)
	m := icmpModule(t, func(p *icmpProbe) { p.Count, p.Interval = 2, time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	res := m.Probe(ctx, Request{Target: "127.0.0.1", Samples: true})
	if !res.Inconclusive || res.Error != "the probe was cancelled" || res.Duration > 2*time.Second {
		t.Errorf("%+v", res)
	}
	checkValues(t, res, map[string]float64{"probe_icmp_packets_sent": 1, "probe_icmp_packets_received": 1, "probe_icmp_loss_ratio": 0})
}

func TestICMPFaults(t *testing.T) {
	for options, want := range map[string]string{
		"{}":             "",
		"ttl: 255":       "",
		"ttl: 256":       "ttl: must be from 0 to 255, not 256",
		"ttl: -1":        "ttl: must be from 0 to 255, not -1",
		"count: 0":       "count: must be from 1 to 1000, not 0",
		"count: 1001":    "count: must be from 1 to 1000, not 1001",
		"interval: 1us":  "interval: must be at least 1ms, not 1µs",
		"max_loss: 1":    "max_loss: must be from 0 to below 1, not 1",
		"max_loss: -0.1": "max_loss: must be from 0 to below 1, not -0.1",
		"max_loss: .nan": "max_loss: must be from 0 to below 1, not NaN",
		"{ttl: -1, count: 0, resolver: here}": "resolver: \"here\" is not a valid address of a DNS server, such as 192.168.0.1 or [fd00::1]:53\n" +
			"ttl: must be from 0 to 255, not -1\ncount: must be from 1 to 1000, not 0",
	} {
		_, err := NewModule(ModuleSource{Kind: "icmp", Decode: func(into any) error { return yaml.Unmarshal([]byte(options), into) }})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", options, got, want)
		}
	}
}

// TestICMPWarnings: a payload that cannot be is loaded, as blackbox_exporter does.
func TestICMPWarnings(t *testing.T) {
	for size, want := range map[int]int{0: 0, 65507: 0, 65508: 1, -1: 1} {
		warnings := icmpModule(t, func(p *icmpProbe) { p.PayloadSize = size }).Warnings()
		if len(warnings) != want || want > 0 && warnings[0].Path != "payload_size" {
			t.Errorf("%d bytes: %v", size, warnings)
		}
	}
	if list := icmpModule(t, func(p *icmpProbe) { p.PreferredIPProtocol = "ipv6" }).Warnings(); len(list) != 1 {
		t.Errorf("a misspelt protocol: %v", list)
	}
}

func TestRoundTrips(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	in := func(n int) ping { return ping{true, ms(n)} }
	for _, test := range []struct {
		name                  string
		pings                 []ping
		min, avg, max, jitter int // milliseconds
	}{
		{"none", nil, 0, 0, 0, 0},
		{"all lost", []ping{{}, {}}, 0, 0, 0, 0},
		{"one", []ping{{}, in(7)}, 7, 7, 7, 0},
		{"falling", []ping{in(100), in(1), in(4)}, 1, 35, 100, 51},
		{"lost in between", []ping{in(10), {}, in(30), {}, in(20)}, 10, 20, 30, 15},
	} {
		got := roundTripsOf(test.pings)
		want := roundTrips{ms(test.min), ms(test.avg), ms(test.max), ms(test.jitter)}
		if got != want {
			t.Errorf("%s: %+v, want %+v", test.name, got, want)
		}
	}
}

// quotedRequest is a complaint of this type about an echo request.
func quotedRequest(v6 bool, kind, code byte, request []byte) []byte {
	m := []byte{kind, code, 0, 0, 0, 0, 0, 0}
	if v6 {
		quoted := make([]byte, ipv6Header)
		quoted[0], quoted[ipv6NextAt], quoted[ipv6Header-1] = 0x60, protocolICMPv6, 1 // to ::1
		return append(append(m, quoted...), request...)
	}
	quoted := make([]byte, minIPv4Header+4) // with options
	quoted[0], quoted[ipv4ProtocolAt] = 0x46, protocolICMP
	copy(quoted[ipv4TargetAt:], []byte{127, 0, 0, 1})
	m = append(append(m, quoted...), request...)
	binary.BigEndian.PutUint16(m[checksumAt:], checksum(m))
	return m
}

func TestComplaints(t *testing.T) {
	for _, test := range []struct {
		v6         bool
		kind, code byte
		want       string
	}{
		{false, 3, 0, "network unreachable"},
		{false, 3, 1, "host unreachable"},
		{false, 3, 3, "destination unreachable, code 3"},
		{false, 3, 4, "packet is too big and must not be fragmented"},
		{false, 3, 13, "communication is prohibited"},
		{false, 11, 0, "hop limit exceeded"},
		{false, 11, 1, "fragments did not arrive in time"},
		{false, 12, 0, "packet has a parameter problem"},
		{false, 5, 0, ""},
		{false, 8, 0, ""},
		{true, 1, 0, "no route to the destination"},
		{true, 1, 1, "communication is prohibited"},
		{true, 1, 3, "host unreachable"},
		{true, 1, 4, "destination unreachable, code 4"},
		{true, 2, 0, "packet is too big"},
		{true, 3, 0, "hop limit exceeded"},
		{true, 4, 1, "packet has a parameter problem"},
		{true, 135, 0, ""},
	} {
		request := []byte{echoRequest4, 0, 0, 0, 0x12, 0x34, 0x56, 0x78}
		to := netip.MustParseAddr("127.0.0.1")
		if test.v6 {
			request[0], to = echoRequest6, netip.IPv6Loopback()
		}
		message := quotedRequest(test.v6, test.kind, test.code, request)
		got, ok := readComplaint(test.v6, message)
		if ok != (test.want != "") {
			t.Errorf("type %d, code %d: %v", test.kind, test.code, ok)
		} else if want := (complaint{test.want, to, 0x1234, 0x5678}); ok && got != want {
			t.Errorf("type %d, code %d: %+v, want %+v", test.kind, test.code, got, want)
		}
		for n := range message {
			if _, ok := readComplaint(test.v6, message[:n]); ok {
				t.Errorf("type %d: %d of %d bytes are enough", test.kind, n, len(message))
			}
		}
	}
}

// FuzzICMPDeliver: whatever arrives, only the reply to what was sent is delivered,
// and only what is about it is kept as a complaint.
func FuzzICMPDeliver(f *testing.F) {
	const id, sequence = 0x1234, 0x5678
	type sent struct {
		socket  *pingSocket
		peer    netip.Addr
		request []byte
	}
	begin := func(v6 bool) (sent, *echoExchange) {
		s := sent{&pingSocket{id: id, next: sequence, payload: 4, waiting: map[echoKey]waiter{}}, netip.MustParseAddr("127.0.0.1"), nil}
		if v6 {
			s.socket.family, s.peer = 1, netip.IPv6Loopback()
		}
		e := s.socket.begin(s.peer, 1)
		s.request = s.socket.message(sequence)
		s.socket.waiting[echoKey{s.peer, sequence}] = waiter{exchange: e, message: s.request, sent: time.Now()}
		return s, e
	}
	for _, v6 := range []bool{false, true} {
		s, _ := begin(v6)
		reply := append([]byte{}, s.request...)
		reply[0] = s.socket.replyType()
		reply[checksumAt], reply[checksumAt+1] = 0, 0
		binary.BigEndian.PutUint16(reply[checksumAt:], checksum(reply))
		f.Add(reply, v6)
		f.Add(s.request, v6)
		f.Add(quotedRequest(v6, 3, 1, s.request), v6)
		f.Add(quotedRequest(v6, 1, 1, s.request), v6)
	}
	f.Fuzz(func(t *testing.T, message []byte, v6 bool) {
		s, e := begin(v6)
		s.socket.deliver(message, s.peer, 64, time.Now())
		s.socket.deliver(message, s.peer, 64, time.Now()) // a second one finds nobody
		want := append([]byte{}, s.request...)
		want[0] = s.socket.replyType()
		switch got := len(e.replies); {
		case got > 1:
			t.Errorf("%d replies to one packet", got)
		case got == 1:
			if len(message) > checksumAt+2 {
				copy(want[checksumAt:], message[checksumAt:checksumAt+2])
			}
			if diff := cmp.Diff(want, message); diff != "" {
				t.Error(diff)
			}
		case e.complaint != "":
			if len(message) < echoHeader+minIPv4Header+echoHeader {
				t.Errorf("%d bytes are %q", len(message), e.complaint)
			}
		}
	})
}
