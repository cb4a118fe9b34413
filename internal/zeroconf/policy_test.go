package zeroconf

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/internal/dnssd"
	"github.com/health-exporter/health_exporter/prober"
)

func TestPolicy(t *testing.T) {
	lo := testInterface(1, "lo", "127.0.0.1/8")
	lo.Flags |= net.FlagLoopback
	wide := testPolicy()
	wide.Networks = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	modules := testPolicy()
	modules.Modules = []string{"ping", "ssh", "page"}
	bound := testPolicy()
	bound.Network = &prober.NetworkPolicy{Deny: []prober.NetworkRule{{Port: 8080}}}

	for _, test := range []struct {
		name      string
		policy    Policy
		service   string
		instance  string
		port      int
		text      []string
		addresses string
		on        Interface
		want      string // app, module, place; or the reason
	}{
		{"a device", testPolicy(), dnssd.HealthCheck, "NAS", 8080, []string{"txtvers=1", "path=/health"}, "10.0.0.7", eth0, "NAS health http://10.0.0.7:8080"},
		{"no text", testPolicy(), dnssd.HealthCheck, "NAS", 8080, nil, "10.0.0.7", eth0, "NAS health http://10.0.0.7:8080"},
		{"a path above", testPolicy(), dnssd.HealthCheck, "NAS", 80, []string{"path=/api/health"}, "10.0.0.7", eth0, "NAS health http://10.0.0.7:80/api"},
		{"a page", testPolicy(), dnssd.HealthCheck, "NAS", 443, []string{"path=/ok?x=1", "scheme=https"}, "10.0.0.7", eth0, "NAS http_2xx https://10.0.0.7:443/ok?x=1"},
		{"an exporter", testPolicy(), dnssd.HealthExporter, "e", 10115, []string{"path=/health"}, "10.0.0.7", eth0, "e health http://10.0.0.7:10115"},
		{"metrics", testPolicy(), dnssd.Prometheus, "e", 9100, nil, "10.0.0.7", eth0, "e http_2xx http://10.0.0.7:9100/metrics"},
		{"a web server", testPolicy(), dnssd.HTTP, "w", 8080, []string{"path=/"}, "10.0.0.7", eth0, "w http_2xx http://10.0.0.7:8080/"},
		{"a printer", testPolicy(), dnssd.HTTP, "w", 8080, nil, "10.0.0.7", eth0, ReasonPath},
		{"user and password are ignored", testPolicy(), dnssd.HTTP, "w", 8080, []string{"u=root", "p=secret", "path=/"}, "10.0.0.7", eth0, "w http_2xx http://10.0.0.7:8080/"},

		{"elsewhere", testPolicy(), dnssd.HealthCheck, "NAS", 8080, nil, "10.9.0.7", eth0, ReasonNetwork},
		{"one of two addresses", testPolicy(), dnssd.HealthCheck, "NAS", 8080, nil, "192.168.0.1 10.0.0.7", eth0, "NAS health http://10.0.0.7:8080"},
		{"no address", testPolicy(), dnssd.HealthCheck, "NAS", 8080, nil, "", eth0, ReasonNetwork},
		{"loopback", wide, dnssd.HealthCheck, "NAS", 8080, nil, "127.0.0.1", eth0, ReasonNetwork},
		{"loopback, mapped", wide, dnssd.HealthCheck, "NAS", 8080, nil, "::1", eth0, ReasonNetwork},
		{"heard on loopback", testPolicy(), dnssd.HealthCheck, "NAS", 8080, nil, "127.0.0.1", lo, "NAS health http://127.0.0.1:8080"},
		{"metadata", wide, dnssd.HealthCheck, "NAS", 8080, nil, "169.254.169.254", eth0, ReasonNetwork},
		{"metadata, translated", wide, dnssd.HealthCheck, "NAS", 8080, nil, "64:ff9b::a9fe:a9fe", eth0, ReasonNetwork},
		{"link-local", wide, dnssd.HealthCheck, "NAS", 8080, nil, "fe80::1", eth0, ReasonNetwork},
		{"multicast", wide, dnssd.HealthCheck, "NAS", 8080, nil, "224.0.0.251", eth0, ReasonNetwork},
		{"unspecified", wide, dnssd.HealthCheck, "NAS", 8080, nil, "0.0.0.0", eth0, ReasonNetwork},
		{"IPv6", wide, dnssd.HealthCheck, "NAS", 8080, nil, "fd00::7", eth0, "NAS health http://[fd00::7]:8080"},
		{"denied to all", bound, dnssd.HealthCheck, "NAS", 8080, nil, "10.0.0.7", eth0, ReasonNetwork},

		{"port of a service", testPolicy(), dnssd.HealthCheck, "NAS", 22, nil, "10.0.0.7", eth0, ReasonPort},
		{"no port", testPolicy(), dnssd.HealthCheck, "NAS", 0, nil, "10.0.0.7", eth0, ReasonPort},
		{"another URL", testPolicy(), dnssd.HealthCheck, "NAS", 8080, []string{"path=http://169.254.169.254/"}, "10.0.0.7", eth0, ReasonPath},
		{"another host", testPolicy(), dnssd.HealthCheck, "NAS", 8080, []string{"path=//evil/health"}, "10.0.0.7", eth0, ReasonPath},
		{"user", testPolicy(), dnssd.HealthCheck, "NAS", 8080, []string{"path=/@evil/health"}, "10.0.0.7", eth0, ReasonPath},
		{"no path", testPolicy(), dnssd.HealthCheck, "NAS", 8080, []string{"path=health"}, "10.0.0.7", eth0, ReasonPath},
		{"up", testPolicy(), dnssd.HealthCheck, "NAS", 8080, []string{"path=/a/../health"}, "10.0.0.7", eth0, ReasonPath},
		{"up in disguise", testPolicy(), dnssd.HealthCheck, "NAS", 8080, []string{"path=/a/%2e%2e/health"}, "10.0.0.7", eth0, ReasonPath},
		{"line end in disguise", testPolicy(), dnssd.HealthCheck, "NAS", 8080, []string{"path=/a%0d%0aX/health"}, "10.0.0.7", eth0, ReasonPath},
		{"long path", testPolicy(), dnssd.HealthCheck, "NAS", 8080, []string{"path=/" + strings.Repeat("a", 250)}, "10.0.0.7", eth0, "NAS http_2xx http://10.0.0.7:8080/" + strings.Repeat("a", 250)},
		{"control characters only", testPolicy(), dnssd.HealthCheck, "\x01\x02", 8080, nil, "10.0.0.7", eth0, ReasonName},
		{"control characters", testPolicy(), dnssd.HealthCheck, "N\x1b[1mA/S ", 8080, nil, "10.0.0.7", eth0, "N[1mA-S health http://10.0.0.7:8080"},
		{"dots", testPolicy(), dnssd.HealthCheck, "..", 8080, nil, "10.0.0.7", eth0, ReasonName},

		{"a module that is not on the list", testPolicy(), dnssd.HealthCheck, "NAS", 8080, []string{"module=ping"}, "10.0.0.7", eth0, ReasonModule},
		{"the module that is used anyway", testPolicy(), dnssd.HealthCheck, "NAS", 8080, []string{"module=health"}, "10.0.0.7", eth0, "NAS health http://10.0.0.7:8080"},
		{"icmp", modules, dnssd.HealthCheck, "NAS", 8080, []string{"module=ping"}, "10.0.0.7", eth0, "NAS ping 10.0.0.7"},
		{"tcp", modules, dnssd.HealthCheck, "NAS", 2222, []string{"module=ssh"}, "10.0.0.7", eth0, "NAS ssh 10.0.0.7:2222"},
		{"http", modules, dnssd.HealthCheck, "NAS", 8080, []string{"module=page", "path=/a/health"}, "10.0.0.7", eth0, "NAS page http://10.0.0.7:8080/a/health"},
		{"a module that a reload took away", Policy{Modules: []string{"gone"}, Interval: 30e9, Timeout: 5e9, KindOf: testPolicy().KindOf}, dnssd.HealthCheck, "NAS", 8080, []string{"module=gone"}, "10.0.0.7", eth0, ReasonModule},
	} {
		e := Entry{Instance: test.instance, Type: test.service, Port: test.port, Text: test.text, Interface: test.on}
		for addr := range strings.FieldsSeq(test.addresses) {
			e.Addresses = append(e.Addresses, netip.MustParseAddr(addr))
		}
		got, reason := test.policy.target(&e)
		if text := fmt.Sprintf("%s %s %s", got.App, got.Module, got.Place()); reason == "" && text != test.want || reason != "" && reason != test.want {
			t.Errorf("%s: %q %s, want %q", test.name, text, reason, test.want)
		}
	}
}

func TestLabels(t *testing.T) {
	p := testPolicy()
	p.Labels, p.Group = map[string]string{"room": "attic"}, "found"
	e := nas(8080)
	e.Text = []string{"id=nas-7", "version=9", "room=cellar", "ID=twice"}
	got, _ := p.target(&e)
	if fmt.Sprint(got.Labels) != "map[id:nas-7 room:attic service:_health-check._tcp]" || got.Group != "found" || got.Source != prober.SourceMDNS {
		t.Errorf("%+v", got)
	}
	e.Text = []string{"id=" + strings.Repeat("x", maxID+1)}
	if got, _ := p.target(&e); got.Labels["id"] != "" {
		t.Error("a long id is a label")
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add("My NAS", 8080, "path=/health", "module=page", []byte{10, 0, 0, 7})
	f.Add("\xff/..", 80, "path=/%2f@", "scheme=https", []byte{169, 254, 169, 254})
	f.Fuzz(func(t *testing.T, instance string, port int, first, second string, address []byte) {
		p := testPolicy()
		p.Modules = []string{"page", "ping", "ssh"}
		addr, ok := netip.AddrFromSlice(address)
		if !ok {
			return
		}
		e := Entry{Instance: instance, Type: dnssd.HealthCheck, Port: port, Text: []string{first, second}, Addresses: []netip.Addr{addr}, Interface: eth0}
		target, reason := p.target(&e)
		if reason != "" {
			return
		}
		if faults := target.Validate(prober.FileLimits(), p.KindOf); len(faults) > 0 {
			t.Errorf("%+v: %v", target, faults)
		}
		if !eth0.Prefixes[0].Contains(addr) || !strings.Contains(target.Place(), addr.String()) {
			t.Errorf("%s is probed", target.Place())
		}
		if strings.ContainsAny(target.Place(), "@\r\n\\") {
			t.Errorf("%q", target.Place())
		}
	})
}
