package config

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/prober"
)

// TestNetworks: wherever networks stand, they are read in one way.
func TestNetworks(t *testing.T) {
	for path, networks := range map[string]func(*Config) []netip.Prefix{
		"registration.networks":   func(c *Config) []netip.Prefix { return c.Registration.Networks },
		"discovery.mdns.networks": func(c *Config) []netip.Prefix { return c.Discovery.MDNS.Networks },
		"network.allow":           func(c *Config) []netip.Prefix { return prefixes(c.Network.Allow) },
		"network.deny":            func(c *Config) []netip.Prefix { return prefixes(c.Network.Deny) },
	} {
		keys := strings.Split(path, ".")
		file := func(list string) string {
			return strings.Join(keys, ": {") + ":\n  [" + list + "]" + strings.Repeat("}", len(keys)-1)
		}
		c := parsed(t, file("10.0.0.0/8, 192.168.1.7/16, 192.0.2.1, 'fd00::1/8', '::ffff:10.0.0.0/104'"))
		got := fmt.Sprint(networks(c))
		if want := "[10.0.0.0/8 192.168.0.0/16 192.0.2.1/32 fd00::/8 10.0.0.0/8]"; got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
		var warnings []string
		for _, w := range c.Warnings(Known{}) {
			warnings = append(warnings, w.String())
		}
		want := []string{
			"line 2: " + path + `: "192.168.1.7/16" has bits outside its mask and is read as 192.168.0.0/16`,
			"line 2: " + path + `: "fd00::1/8" has bits outside its mask and is read as fd00::/8`,
		}
		if diff := cmp.Diff(want, warnings); diff != "" {
			t.Errorf("%s:\n%s", path, diff)
		}
		for list, want := range map[string]string{
			"10.0.0.0/33": `"10.0.0.0/33" is not a valid network, such as 192.168.0.0/16 or fd00::/8`,
			"[]":          "must be a text, not a list",
		} {
			if _, err := parse("c.yml", []byte(file(list))); err == nil || !strings.Contains(err.Error(), "line 2: "+path+": "+want) {
				t.Errorf("%s: %s: %v", path, list, err)
			}
		}
	}
}

func prefixes(rules []prober.NetworkRule) (list []netip.Prefix) {
	for _, r := range rules {
		list = append(list, r.Prefix)
	}
	return list
}

func TestTrustedNetworks(t *testing.T) {
	mapped := parsed(t, "registration: {networks: ['::ffff:10.0.0.0/104']}").Registration
	if !mapped.Trusts(netip.MustParseAddr("10.1.2.3")) || !mapped.Trusts(netip.MustParseAddr("::ffff:10.1.2.3")) || mapped.Trusts(netip.MustParseAddr("11.1.2.3")) {
		t.Error("a network of IPv4 written as IPv6 is another")
	}
	if nobody := parsed(t, "registration: {networks: []}").Registration; nobody.Trusts(netip.MustParseAddr("127.0.0.1")) {
		t.Error("somebody is in no network")
	}
}
