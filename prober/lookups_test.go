package prober

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// A name server that fails for one name is a failure of that target as long as it
// answers for others, whatever kind probes; else it says nothing of any target.
func TestNameServerFailsForOneName(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	zone := serveZone(t, map[string][]string{"good.example": {"127.0.0.1"}, "fine.example": {"127.0.0.1"}})
	tcp := tcpModule(t, func(p *tcpProbe) { p.Resolver = zone.address })
	kinds := map[string]*Module{"tcp": tcp}
	kinds["http"] = moduleOf(t, "http", func(s spec) { s.(*httpProbe).Resolver = zone.address })
	kinds["grpc"] = moduleOf(t, "grpc", func(s spec) { s.(*grpcProbe).Resolver = zone.address })
	kinds["icmp"] = moduleOf(t, "icmp", func(s spec) { s.(*icmpProbe).Resolver = zone.address })
	kinds["websocket"] = moduleOf(t, "websocket", func(s spec) { s.(*websocketProbe).Resolver = zone.address })
	prefix := map[string]string{"http": "http://", "websocket": "ws://"}
	suffix := map[string]string{"icmp": ""}
	for kind, m := range kinds {
		if _, ok := suffix[kind]; !ok {
			suffix[kind] = ":" + port
		}
		for _, name := range []string{"servfail.example", "refused.example", "notimp.example", "silent.example"} {
			t.Run(kind+" "+name, func(t *testing.T) {
				lookups := new(Lookups)
				check := func(when string, inconclusive bool) {
					t.Helper()
					res := probeWithin(t, m, 400*time.Millisecond, Request{Target: prefix[kind] + name + suffix[kind], Lookups: lookups})
					if res.Outcome != health.Fail || res.Reason != ReasonDNS || res.Phase != PhaseResolve || res.Inconclusive != inconclusive || res.Error == "" {
						t.Errorf("%s: %s %s, inconclusive: %v: %s", when, res.Reason, res.Phase, res.Inconclusive, res.Error)
					}
				}
				check("no other name", true)
				good := probeWithin(t, tcp, time.Second, Request{Target: "good.example:" + port, Lookups: lookups})
				if good.Outcome != health.Pass {
					t.Fatal(good.Error)
				}
				check("another name is found", false)
				zone.broken.Store(true)
				defer zone.broken.Store(false)
				lookups.servers[zone.address].ended = time.Time{} // what the last trial has shown is old
				check("no name is found", true)
			})
		}
	}
}

// A name that is known without the name server says nothing of it.
func TestLocalNamesSayNothingOfNameServers(t *testing.T) {
	zone := serveZone(t, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	m := tcpModule(t, func(p *tcpProbe) { p.Resolver, p.PreferredIPProtocol = zone.address, "ip4" })
	lookups := new(Lookups)
	if res := probeWithin(t, m, time.Second, Request{Target: "localhost:" + port, Lookups: lookups}); res.Outcome != health.Pass {
		t.Fatal(res.Error)
	}
	zone.broken.Store(true)
	if res := probeWithin(t, m, time.Second, Request{Target: "a.example:80", Lookups: lookups}); !res.Inconclusive {
		t.Errorf("%s: %s", res.Reason, res.Error)
	}
}

// Many targets that fail at the same time make one trial, not one each.
func TestOneTrialForMany(t *testing.T) {
	zone := serveZone(t, map[string][]string{"good.example": {"127.0.0.1"}})
	m := tcpModule(t, func(p *tcpProbe) {
		p.Resolver, p.PreferredIPProtocol, p.IPProtocolFallback = zone.address, "ip4", false
	})
	lookups := new(Lookups)
	probeWithin(t, m, time.Second, Request{Target: "good.example:1", Lookups: lookups})
	zone.questions()
	var probes sync.WaitGroup
	for i := range 50 {
		probes.Go(func() {
			res := probeWithin(t, m, 5*time.Second, Request{Target: fmt.Sprintf("servfail.%d.example:80", i), Lookups: lookups})
			if res.Inconclusive || res.Reason != ReasonDNS {
				t.Errorf("%s, inconclusive: %v: %s", res.Reason, res.Inconclusive, res.Error)
			}
		})
	}
	probes.Wait()
	trials := 0
	for _, question := range zone.questions() {
		if question == "A good.example" {
			trials++
		}
	}
	if trials == 0 || trials > 3 {
		t.Errorf("%d trials", trials)
	}
}
