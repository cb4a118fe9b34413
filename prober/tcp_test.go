package prober

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// tcpModule makes a module of kind tcp; set may change its options.
func tcpModule(t testing.TB, set func(p *tcpProbe)) *Module {
	t.Helper()
	m, err := NewModule(ModuleSource{Kind: "tcp", Decode: func(into any) error {
		if set != nil {
			set(into.(*tcpProbe))
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// talking makes a module of kind tcp with a dialogue.
func talking(t testing.TB, steps ...QueryResponse) *Module {
	t.Helper()
	return tcpModule(t, func(p *tcpProbe) { p.QueryResponse = steps })
}

// namesOf lists which metrics there are.
func namesOf(samples []Sample) string {
	var names []string
	for _, s := range samples {
		names = append(names, strings.TrimPrefix(s.Name, "probe_"))
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

// Which metrics there are depends on how far the probe came.
const (
	locatedNames   = "dns_lookup_time_seconds ip_addr_hash ip_protocol"
	connectedNames = "dns_lookup_time_seconds failed_due_to_bytes failed_due_to_regex ip_addr_hash ip_protocol"
	securedNames   = connectedNames + " ssl_earliest_cert_expiry ssl_last_chain_expiry_timestamp_seconds ssl_last_chain_info tls_version_info"
	refusedNames   = locatedNames + " ssl_earliest_cert_expiry ssl_last_chain_info"
)

// silent accepts and says nothing until the peer hangs up.
func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// closedPort is an address that nothing listens on.
func closedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func portOnly(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

func TestTCPConnect(t *testing.T) {
	target := listen(t, silent)
	port := portOnly(target)
	if l, err := net.Listen("tcp", "[::1]:"+port); err == nil { // where there is IPv6, both families answer
		defer l.Close()
	} else {
		t.Logf("no IPv6: %v", err)
	}
	only4 := func(p *tcpProbe) { p.PreferredIPProtocol, p.IPProtocolFallback = "ip4", false }
	only6 := func(p *tcpProbe) { p.IPProtocolFallback = false }
	const hash4, hash6 = 3668918509, 1751717746
	fail := func(reason Reason, phase Phase, text string) Result {
		return Result{Outcome: health.Fail, Reason: reason, Phase: phase, Error: text}
	}
	needsPort := fail(ReasonInternal, PhaseNone, "target must be host:port")
	for _, test := range []struct {
		name, target   string
		set            func(p *tcpProbe)
		policy         *NetworkPolicy
		want           Result
		names          string
		protocol, hash float64
	}{
		{name: "open", target: target, want: Result{Outcome: health.Pass}, names: connectedNames, protocol: 4, hash: hash4},
		{name: "refused", target: closedPort(t), want: fail(ReasonConnect, PhaseConnect, "connection refused"), names: locatedNames, protocol: 4, hash: hash4},
		{name: "no port", target: "127.0.0.1", want: needsPort},
		{name: "IPv6 without brackets", target: "::1:" + port, want: needsPort},
		{name: "URL", target: "tcp://" + target, want: needsPort},
		{name: "empty port", target: "127.0.0.1:", want: fail(ReasonInternal, PhaseConnect, "target has no valid port"), names: locatedNames, protocol: 4, hash: hash4},
		{name: "port 0", target: "127.0.0.1:0", want: fail(ReasonInternal, PhaseConnect, "target has no valid port"), names: locatedNames, protocol: 4, hash: hash4},
		{name: "port too high", target: "127.0.0.1:65536", want: fail(ReasonInternal, PhaseConnect, "target has no valid port"), names: locatedNames, protocol: 4, hash: hash4},
		{name: "no host", target: ":" + port, want: fail(ReasonDNS, PhaseResolve, "looking up : no such host"), names: locatedNames},
		{name: "only IPv4", target: target, set: only4, want: Result{Outcome: health.Pass}, names: connectedNames, protocol: 4, hash: hash4},
		{name: "IPv4, only IPv6", target: target, set: only6, want: fail(ReasonDNS, PhaseResolve, "looking up 127.0.0.1: no IPv6 address"), names: locatedNames},
		{name: "IPv6, only IPv4", target: "[::1]:" + port, set: only4, want: fail(ReasonDNS, PhaseResolve, "looking up ::1: no IPv4 address"), names: locatedNames},
		{name: "mapped", target: "[::ffff:127.0.0.1]:" + port, set: only4, want: Result{Outcome: health.Pass}, names: connectedNames, protocol: 4, hash: hash4},
		{name: "odd spelling", target: "0x7f.1:" + port, want: fail(ReasonDNS, PhaseResolve, "looking up 0x7f.1: no such host"), names: locatedNames},
		{name: "never allowed", target: "169.254.169.254:80", want: fail(ReasonPolicy, PhaseResolve, ""), names: locatedNames},
		{
			name: "denied", target: target, policy: &NetworkPolicy{Deny: []NetworkRule{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}}},
			want: fail(ReasonPolicy, PhaseResolve, ""), names: locatedNames,
		},
		{
			name: "denied once it is resolved", target: "localhost:" + port, set: only4, policy: &NetworkPolicy{Deny: []NetworkRule{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}}},
			want: fail(ReasonPolicy, PhaseConnect, ""), names: locatedNames, protocol: 4, hash: hash4,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := probeWithin(t, tcpModule(t, test.set), 5*time.Second, Request{Target: test.target, Network: test.policy, Samples: true})
			checkResult(t, res, test.want)
			if got := namesOf(res.Samples); got != test.names {
				t.Errorf("metrics %s, want %s", got, test.names)
			}
			if test.names != "" {
				checkValues(t, res, map[string]float64{"probe_ip_protocol": test.protocol, "probe_ip_addr_hash": test.hash})
			}
		})
	}
	t.Run("IPv6", func(t *testing.T) {
		testneed.IPv6(t)
		l, err := net.Listen("tcp", "[::1]:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for name, set := range map[string]func(p *tcpProbe){"only IPv6": only6, "IPv4 with fallback": func(p *tcpProbe) { p.PreferredIPProtocol = "ip4" }} {
			res := probeWithin(t, tcpModule(t, set), 5*time.Second, Request{Target: l.Addr().String(), Samples: true})
			if res.Outcome != health.Pass {
				t.Errorf("%s: %s", name, res.Error)
			}
			checkValues(t, res, map[string]float64{"probe_ip_protocol": 6, "probe_ip_addr_hash": hash6})
		}
	})
	t.Run("scheduled", func(t *testing.T) {
		if res := probeWithin(t, tcpModule(t, nil), 5*time.Second, Request{Target: target}); res.Outcome != health.Pass || res.Samples != nil {
			t.Errorf("got %+v", res)
		}
	})
}

// checkResult compares results. Samples are left to the caller, and so is an error
// that is not in want: there must be one nevertheless.
func checkResult(t *testing.T, got, want Result) {
	t.Helper()
	if want.Outcome == health.Fail && want.Error == "" && got.Error != "" {
		got.Error = ""
	}
	got.Samples = nil
	if diff := cmp.Diff(want, got, ignoreTimes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A module of this kind has defaults, and its faults are found.
func TestTCPOptions(t *testing.T) {
	p := newTCPProbe().(*tcpProbe)
	if !p.IPProtocolFallback || p.PreferredIPProtocol != "" || p.TLS {
		t.Errorf("defaults are %+v", p)
	}
	_, err := NewModule(ModuleSource{Kind: "tcp", Decode: func(into any) error {
		p := into.(*tcpProbe)
		p.Resolver, p.TLSConfig.CertFile = "there", "only.pem"
		p.QueryResponse = []QueryResponse{{Send: "x"}, {Expect: re("x"), ExpectBytes: "x"}}
		return nil
	}})
	for _, path := range []string{"resolver: ", "tls_config: ", "query_response[1].expect_bytes: "} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("no fault in %s among %v", path, err)
		}
	}
}

func TestTCPWarnings(t *testing.T) {
	m := tcpModule(t, func(p *tcpProbe) {
		p.PreferredIPProtocol, p.SourceIPAddress, p.TLSConfig.CAFile = "ipv6", "here", t.TempDir()+"/none.pem"
		p.TLSConfig.MinVersion, p.TLSConfig.MaxVersion = 0x304, 0x303
		p.QueryResponse = []QueryResponse{
			{Expect: re("x"), Labels: []ExpectLabel{{Name: "fine"}, {Name: "a-b"}, {Name: "9"}, {Name: "__x"}, {Name: ""}}},
			{Send: "x", Labels: []ExpectLabel{{Name: "fine"}}},
		}
	})
	var got []string
	for _, w := range m.Warnings() {
		got = append(got, w.Path)
	}
	want := []string{
		"preferred_ip_protocol", "source_ip_address", "query_response[0].labels[1].name", "query_response[0].labels[2].name", "query_response[0].labels[3].name",
		"query_response[0].labels[4].name", "query_response[1].labels", "tls_config.ca_file", "tls_config.min_version",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if list := tcpModule(t, nil).Warnings(); len(list) != 0 {
		t.Errorf("warnings without a reason: %v", list)
	}
}

// The peer sees the address that the module connects from.
func TestTCPSourceAddress(t *testing.T) {
	from := make(chan string, 1)
	target := listen(t, func(conn net.Conn) {
		host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
		from <- host
	})
	m := tcpModule(t, func(p *tcpProbe) { p.SourceIPAddress = "127.0.0.2" })
	if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
		t.Fatal(res.Error)
	}
	if got := <-from; got != "127.0.0.2" {
		t.Errorf("came from %s", got)
	}
	m = tcpModule(t, func(p *tcpProbe) { p.SourceIPAddress = "::1" })
	if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Fail || res.Phase != PhaseConnect {
		t.Errorf("from the other family: %+v", res)
	}
}

// A peer that does not answer cannot hold a probe.
func TestTCPDeadline(t *testing.T) {
	checkHeld(t, talking(t, QueryResponse{Expect: re("x")}), func(serve func(net.Conn)) string { return listen(t, serve) })
}
