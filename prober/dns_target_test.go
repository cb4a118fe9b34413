package prober

import (
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// TestDNSFailureSamples: what is shown when there is no answer.
func TestDNSFailureSamples(t *testing.T) {
	closed := testport.Reserve(t)
	resolver := fakeDNS(t, map[string][][]string{"ns.example.org": {{"127.0.0.1"}}})
	all := map[string]float64{
		"probe_dns_answer_rrs": 0, "probe_dns_authority_rrs": 0, "probe_dns_additional_rrs": 0, "probe_dns_query_succeeded": 0,
		"probe_dns_serial": absent, "probe_dns_duration_seconds{phase=request}": 0, "probe_dns_duration_seconds{phase=connect}": 0,
	}
	for _, test := range []struct {
		name, target string
		policy       *NetworkPolicy
		set          func(p *dnsProbe)
		reason       Reason
		phase        Phase
		want         map[string]float64
	}{
		{
			"no such name", "nowhere.example.org", nil, nil, ReasonDNS, PhaseResolve,
			map[string]float64{"probe_ip_protocol": 0, "probe_ip_addr_hash": 0, "probe_dns_duration_seconds{phase=resolve}": 0},
		},
		{
			"no address of the protocol", "ns.example.org", nil, func(p *dnsProbe) { p.IPProtocolFallback = false }, ReasonDNS, PhaseResolve,
			map[string]float64{"probe_ip_protocol": 0},
		},
		{
			"literal of the other protocol", "127.0.0.1", nil, func(p *dnsProbe) { p.IPProtocolFallback = false }, ReasonDNS, PhaseResolve,
			map[string]float64{"probe_ip_protocol": 0},
		},
		{"no host", ":53", nil, nil, ReasonDNS, PhaseResolve, map[string]float64{"probe_ip_protocol": 0}},
		{"port", "127.0.0.1:70000", nil, nil, ReasonInternal, PhaseResolve, map[string]float64{"probe_ip_protocol": 4}},
		{
			"refused", closed, nil, func(p *dnsProbe) { p.TransportProtocol = "tcp" }, ReasonConnect, PhaseConnect,
			map[string]float64{"probe_ip_protocol": 4, "probe_dns_duration_seconds{phase=connect}": positive},
		},
		{
			"policy", "127.0.0.1", &NetworkPolicy{Deny: []NetworkRule{dnsRule(t, "127.0.0.0/8")}}, nil, ReasonPolicy, PhaseResolve,
			map[string]float64{"probe_ip_protocol": 0},
		},
		{
			"policy, by name", "ns.example.org", &NetworkPolicy{Deny: []NetworkRule{dnsRule(t, "127.0.0.0/8")}}, nil, ReasonPolicy, PhaseConnect,
			map[string]float64{"probe_ip_protocol": 4, "probe_dns_duration_seconds{phase=connect}": positive},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := dnsModule(t, func(p *dnsProbe) {
				p.QueryType = "SOA"
				if test.set != nil {
					test.set(p)
				}
			})
			m.spec.(*dnsProbe).dialer.resolver = resolver
			res := probeWithin(t, m, 5*time.Second, Request{Target: test.target, Network: test.policy, Samples: true})
			if res.Outcome != health.Fail || res.Reason != test.reason || res.Phase != test.phase {
				t.Errorf("%s in phase %s: %s", res.Reason, res.Phase, res.Error)
			}
			values := valuesOf(res.Samples)
			if _, ok := values["probe_dns_lookup_time_seconds"]; !ok {
				t.Error("no probe_dns_lookup_time_seconds")
			}
			want := map[string]float64{}
			maps.Copy(want, all)
			for name, value := range test.want {
				if want[name] = value; value != positive {
					continue
				}
				if delete(want, name); values[name] <= 0 {
					t.Errorf("%s is %g", name, values[name])
				}
			}
			checkValues(t, res, want)
		})
	}
}

const positive = -998

func dnsRule(t testing.TB, text string) NetworkRule {
	t.Helper()
	rule, _, err := ParseNetworkRule(text)
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

// TestDNSTarget: a server is a host, with or without a port.
func TestDNSTarget(t *testing.T) {
	for target, want := range map[string]string{
		"ns.example.org": "ns.example.org 53", "ns.example.org:5353": "ns.example.org 5353", "192.0.2.1": "192.0.2.1 53",
		"2001:db8::1": "2001:db8::1 53", "[2001:db8::1]": "2001:db8::1 53", "[2001:db8::1]:54": "2001:db8::1 54",
		"ns.example.org:domain": "ns.example.org domain", "::1": "::1 53", "": " 53",
	} {
		if host, port := splitTarget(target, 53); host+" "+port != want {
			t.Errorf("%s: %s %s, want %s", target, host, port, want)
		}
	}
	for port, set := range map[uint16]func(p *dnsProbe){
		53: nil, 853: func(p *dnsProbe) { p.DNSOverTLS = true }, 443: func(p *dnsProbe) { p.TransportProtocol = "https" },
	} {
		if got := dnsModule(t, set).spec.(*dnsProbe).defaultPort; got != port {
			t.Errorf("default port %d, want %d", got, port)
		}
	}
}

// TestDNSDefaultPort: it is where a server without a port is asked.
func TestDNSDefaultPort(t *testing.T) {
	for target, want := range map[string]string{"127.0.0.1": "127.0.0.1:53", "::1": "[::1]:53", "[::1]": "[::1]:53", "127.0.0.1:domain": "127.0.0.1:53"} {
		m := dnsModule(t, nil)
		// A policy that allows nothing else tells what was tried, without a server.
		policy := &NetworkPolicy{Deny: []NetworkRule{dnsRule(t, "*:53")}}
		res := probeWithin(t, m, 5*time.Second, Request{Target: target, Network: policy})
		if res.Reason != ReasonPolicy || !strings.Contains(res.Error, want) {
			t.Errorf("%s: %s, want it to name %s", target, res.Error, want)
		}
	}
}

// TestDNSSourceAddress: the server sees the address that is configured.
func TestDNSSourceAddress(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		from := make(chan string, 1)
		target := serveDNS(t, network, "127.0.0.1", nil, func(w dns.ResponseWriter, query *dns.Msg) {
			host, _, _ := net.SplitHostPort(w.RemoteAddr().String())
			from <- host
			_ = w.WriteMsg(new(dns.Msg).SetReply(query))
		})
		m := dnsModule(t, func(p *dnsProbe) { p.TransportProtocol, p.SourceIPAddress = network, "127.0.0.7" })
		if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
			t.Fatalf("%s: %+v", network, res)
		}
		if got := <-from; got != "127.0.0.7" {
			t.Errorf("%s: asked from %s", network, got)
		}
	}
}
