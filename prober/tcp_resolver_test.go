package prober

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/health-exporter/health_exporter/health"
)

// zoneServer is a DNS server that knows some names and remembers what it was
// asked for.
type zoneServer struct {
	address string
	broken  atomic.Bool // fails for every name

	mu    sync.Mutex // guards asked
	asked []string
}

func serveZone(t *testing.T, zone map[string][]string) *zoneServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z := &zoneServer{address: conn.LocalAddr().String()}
	started := make(chan struct{})
	server := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) }}
	server.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		q := question.Question[0]
		name := strings.ToLower(strings.TrimSuffix(q.Name, "."))
		z.mu.Lock()
		z.asked = append(z.asked, dns.TypeToString[q.Qtype]+" "+name)
		z.mu.Unlock()
		if name == "silent.example" {
			return
		}
		answer := new(dns.Msg).SetReply(question)
		answer.RecursionAvailable = true
		for prefix, code := range map[string]int{"servfail.": dns.RcodeServerFailure, "refused.": dns.RcodeRefused, "notimp.": dns.RcodeNotImplemented} {
			if z.broken.Load() || strings.HasPrefix(name, prefix) {
				_ = w.WriteMsg(new(dns.Msg).SetRcode(question, code))
				return
			}
		}
		addresses, known := zone[name]
		if !known {
			answer.Rcode = dns.RcodeNameError
		}
		for _, text := range addresses {
			header := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 1}
			switch addr := netip.MustParseAddr(text); {
			case addr.Is4() && q.Qtype == dns.TypeA:
				answer.Answer = append(answer.Answer, &dns.A{Hdr: header, A: addr.AsSlice()})
			case addr.Is6() && q.Qtype == dns.TypeAAAA:
				answer.Answer = append(answer.Answer, &dns.AAAA{Hdr: header, AAAA: addr.AsSlice()})
			}
		}
		_ = w.WriteMsg(answer)
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.ActivateAndServe()
	}()
	<-started
	t.Cleanup(func() { _ = server.Shutdown(); <-done })
	return z
}

// questions empties the memory.
func (z *zoneServer) questions() []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	asked := z.asked
	z.asked = nil
	slices.Sort(asked)
	return asked
}

// The address that is probed is the one that the keys choose among those that
// the module's own DNS server has.
func TestTCPChoosesAddress(t *testing.T) {
	target := listen(t, silent)
	port := portOnly(target)
	zone := serveZone(t, map[string][]string{
		"both.example": {"127.0.0.1", "127.0.0.2", "fd00::1"}, "four.example": {"127.0.0.3", "127.0.0.1"}, "six.example": {"fd00::1"}, "none.example": nil,
		"metadata.example": {"169.254.169.254"},
	})
	fail := func(reason Reason, phase Phase, text string) Result {
		return Result{Outcome: health.Fail, Reason: reason, Phase: phase, Error: text}
	}
	for _, test := range []struct {
		name, host, preferred string
		noFallback            bool
		want                  Result
		addr                  string // that was chosen
		asked                 string // records that were asked for; both kinds if empty
	}{
		{name: "IPv4 preferred: the first", host: "both.example", preferred: "ip4", want: Result{Outcome: health.Pass}, addr: "127.0.0.1"},
		{name: "a typo means IPv4", host: "both.example", preferred: "ipv6", want: Result{Outcome: health.Pass}, addr: "127.0.0.1"},
		{name: "fallback to IPv4: the last", host: "four.example", want: Result{Outcome: health.Pass}, addr: "127.0.0.1"},
		{name: "IPv4 without fallback", host: "both.example", preferred: "ip4", noFallback: true, want: Result{Outcome: health.Pass}, addr: "127.0.0.1", asked: "A"},
		{
			name: "IPv6 without fallback, there is none", host: "four.example", preferred: "ip6", noFallback: true,
			want: fail(ReasonDNS, PhaseResolve, ""), asked: "AAAA",
		},
		{name: "IPv4 without fallback, there is none", host: "six.example", preferred: "ip4", noFallback: true, want: fail(ReasonDNS, PhaseResolve, ""), asked: "A"},
		{name: "upper case and dot", host: "BOTH.Example.", preferred: "ip4", want: Result{Outcome: health.Pass}, addr: "127.0.0.1"},
		{name: "no such name", host: "nowhere.example", want: fail(ReasonDNS, PhaseResolve, "looking up nowhere.example: no such host")},
		{name: "no address", host: "none.example", want: fail(ReasonDNS, PhaseResolve, "looking up none.example: no such host")},
		{name: "a forbidden address", host: "metadata.example", want: fail(ReasonPolicy, PhaseConnect, ""), addr: "169.254.169.254"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := tcpModule(t, func(p *tcpProbe) {
				p.Resolver, p.PreferredIPProtocol, p.IPProtocolFallback = zone.address, test.preferred, !test.noFallback
			})
			res := probeWithin(t, m, 5*time.Second, Request{Target: net.JoinHostPort(test.host, port), Samples: true})
			checkResult(t, res, test.want)
			values := map[string]float64{"probe_ip_protocol": 0, "probe_ip_addr_hash": 0}
			if test.addr != "" {
				values = map[string]float64{"probe_ip_protocol": 4, "probe_ip_addr_hash": addressHash(netip.MustParseAddr(test.addr))}
			}
			checkValues(t, res, values)
			asked := zone.questions()
			for _, question := range asked {
				if kind, _, _ := strings.Cut(question, " "); test.asked != "" && kind != test.asked {
					t.Errorf("asked for %s", question)
				}
			}
			if len(asked) == 0 {
				t.Error("the server was not asked")
			}
		})
	}
}

// A dot at the end of a name keeps the system's search domains out.
func TestLookupName(t *testing.T) {
	for host, want := range map[string]string{
		"example.org": "example.org", "Example.ORG.": "example.org.", "127.0.0.1": "127.0.0.1", "::1": "::1", "": "", ".": "", "Localhost.": "localhost", "bücher.example.": "xn--bcher-kva.example.",
	} {
		if got := lookupName(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}

// A DNS server that does not answer cannot hold a probe.
func TestTCPSilentResolver(t *testing.T) {
	zone := serveZone(t, nil)
	m := tcpModule(t, func(p *tcpProbe) { p.Resolver = zone.address })
	const timeout = 300 * time.Millisecond
	res := probeWithin(t, m, timeout, Request{Target: "silent.example:80", Samples: true})
	if res.Outcome != health.Fail || res.Phase != PhaseResolve || !strings.HasPrefix(res.Error, "looking up silent.example: no answer within ") {
		t.Errorf("got %+v", res)
	}
	if got := namesOf(res.Samples); got != locatedNames {
		t.Errorf("metrics %s", got)
	}
	for _, s := range res.Samples {
		if s.Name == "probe_dns_lookup_time_seconds" && (s.Value < timeout.Seconds() || s.Value > 2) {
			t.Errorf("the look-up took %g s", s.Value)
		}
	}
}
