package config

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestMDNS(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       *MDNS
	}{
		{"off", "targets: []", nil},
		{"off, with an empty section", "discovery: {}", nil},
		{"defaults", "discovery: {mdns: {}}", &MDNS{
			Services: []string{"_health-check._tcp"}, MaxTargets: 64, Interval: 30 * time.Second, Timeout: 5 * time.Second,
		}},
		{"everything", `
modules: {ping: {prober: icmp}}
discovery:
  mdns:
    services: [_health-check._tcp, _http._tcp]
    networks: [192.168.0.0/16, "fd00::/8"]
    interfaces: [eth0, wlan0]
    modules: [ping, tcp_connect]
    max_targets: 10
    interval: 1m
    timeout: 3s
    group: found
    labels: {room: attic}
`, &MDNS{
			Services: []string{"_health-check._tcp", "_http._tcp"}, Interfaces: []string{"eth0", "wlan0"}, Modules: []string{"ping", "tcp_connect"},
			Networks:   []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fd00::/8")},
			MaxTargets: 10, Interval: time.Minute, Timeout: 3 * time.Second, Group: "found", Labels: map[string]string{"room": "attic"},
		}},
	} {
		c, err := parse("", []byte(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got := c.Discovery.MDNS
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(MDNS{}, "Builtin"), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.name, diff)
		}
		if got != nil && (got.Builtin["health"].Kind() != "health" || got.Builtin["http_2xx"].Kind() != "http") {
			t.Errorf("%s: built in are %v", test.name, got.Builtin)
		}
	}
}

func TestMDNSFaults(t *testing.T) {
	_, err := parse("", []byte(`
discovery:
  mdns:
    services: [http, _http._tcp, _HTTP._tcp, _prometheus-https._tcp, [x]]
    networks: [everywhere, "::ffff:10.0.0.1/8"]
    interfaces: [a b, eth0, eth0]
    modules: [nowhere, icmp]
    max_targets: many
    interval: 100ms
    timeout: 2d
    group: "\x01"
    labels: {service: x, id: y, instance: z, a-b: c}
    unknown: 1
`))
	if err == nil {
		t.Fatal("no faults")
	}
	for _, want := range []string{
		`line 4: discovery.mdns.services: "http" is not a valid type of service, such as _http._tcp`,
		`discovery.mdns.services: "_HTTP._tcp" is given twice`,
		`discovery.mdns.services: "_prometheus-https._tcp" is not a valid type`,
		`discovery.mdns.services: must be a text, not a list`,
		`line 5: discovery.mdns.networks: "everywhere" is not a valid network`,
		`discovery.mdns.networks: "::ffff:10.0.0.1/8" covers more than IPv4; did you mean 10.0.0.0/8?`,
		`line 6: discovery.mdns.interfaces: "a b" is not a valid name of a network interface, such as eth0`,
		`discovery.mdns.interfaces: "eth0" is given twice`,
		`line 7: discovery.mdns.modules: there is no module "nowhere"`,
		`line 8: discovery.mdns.max_targets: must be a whole number from 1 to 10000, not "many"`,
		`line 9: discovery.mdns.interval: must be between 1s and 24h, not 100ms`,
		`line 10: discovery.mdns.timeout: must be between 100ms and 1h, not 48h`,
		`line 11: discovery.mdns.group: must be printable`,
		`line 12: discovery.mdns.labels.service: is filled in by discovery itself`,
		`line 12: discovery.mdns.labels.id: is filled in by discovery itself`,
		`line 12: discovery.mdns.labels.instance: the name "instance" is reserved`,
		`line 12: discovery.mdns.labels.a-b: "a-b" is not a valid label name`,
		`line 13: discovery.mdns.unknown: unknown key`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q", want)
		}
	}
	if n := strings.Count(err.Error(), "\n"); n != 18 {
		t.Errorf("%d faults in\n%s", n, err)
	}
}

func TestMDNSTooMany(t *testing.T) {
	var services, labels []string
	for i := range 17 {
		services = append(services, fmt.Sprintf("_s%d._tcp", i))
		labels = append(labels, fmt.Sprintf("l%d: x", i))
	}
	_, err := parse("", []byte("discovery: {mdns: {services: ["+strings.Join(services, ", ")+"], labels: {"+strings.Join(labels[:9], ", ")+"}}}"))
	if err == nil || !strings.Contains(err.Error(), "services: are 17, at most 16") || !strings.Contains(err.Error(), "labels: are 9, at most 8") {
		t.Error(err)
	}
	if _, err := parse("", []byte("discovery: {mdns: {services: []}}")); err == nil || !strings.Contains(err.Error(), "must not be empty") {
		t.Error(err)
	}
}
