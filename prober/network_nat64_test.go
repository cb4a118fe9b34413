package prober

import (
	"net/netip"
	"testing"
)

// embedded is an address as RFC 6052 makes it of a prefix and an address of IPv4.
func embedded(prefix netip.Prefix, v4 netip.Addr, suffix byte) netip.Addr {
	b, four := prefix.Addr().As16(), v4.As4()
	at := prefix.Bits() / 8
	for _, each := range four {
		if at == 8 {
			at++ // bits 64 to 71 are zero
		}
		b[at] = each
		at++
	}
	if at < 16 {
		b[15] = suffix
	}
	return netip.AddrFrom16(b)
}

// TestNAT64 of all lengths that RFC 6052 has, whoever owns the prefix.
func TestNAT64(t *testing.T) {
	known := []string{ // the well-known prefixes, and what stands below the local one
		"64:ff9b::/32", "64:ff9b::/40", "64:ff9b::/48", "64:ff9b::/56", "64:ff9b::/64", "64:ff9b::/96",
		"64:ff9b:1::/48", "64:ff9b:1::/56", "64:ff9b:1::/64", "64:ff9b:1::/96", "64:ff9b:1:ab00::/56", "64:ff9b:1:abcd::/64", "64:ff9b:1:abcd:0:1::/96",
	}
	others := []string{"2001:db8::/32", "2001:db8:100::/40", "2001:db8:122::/48", "2001:db8:122:300::/56", "2001:db8:122:344::/64", "2001:db8:122:344::/96", "fd12:3456::/32"}
	metadata := []string{"169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"}
	inside := append([]string{"127.0.0.1", "127.1.2.3"}, metadata...)
	tried := 0
	for _, list := range []struct{ prefixes, addrs []string }{{known, inside}, {others, metadata}} {
		for _, prefix := range list.prefixes {
			at := netip.MustParsePrefix(prefix)
			for _, v4 := range list.addrs {
				for _, suffix := range []byte{0, 7} {
					addr := embedded(at, netip.MustParseAddr(v4), suffix)
					if err := new(NetworkPolicy).ForOthers().Check(netip.AddrPortFrom(addr, 80), ""); err == nil {
						t.Errorf("%s in %s is %s: it is allowed", v4, at, addr)
					}
					tried++
				}
			}
		}
	}
	t.Logf("%d addresses", tried)
	for _, prefix := range append(known, others...) {
		at := netip.MustParsePrefix(prefix)
		for _, v4 := range []string{"10.0.0.1", "192.0.2.33", "8.8.8.8", "198.51.100.255"} {
			addr := embedded(at, netip.MustParseAddr(v4), 0)
			if err := new(NetworkPolicy).ForOthers().Check(netip.AddrPortFrom(addr, 80), ""); err != nil {
				t.Errorf("%s in %s is %s: %v", v4, at, addr, err)
			}
		}
	}
	deny := rules(t, "-10.0.0.0/8")
	for _, prefix := range []string{"64:ff9b:1::/48", "64:ff9b:1:2200::/56", "64:ff9b:1:2233::/64", "64:ff9b::/96"} {
		addr := embedded(netip.MustParsePrefix(prefix), netip.MustParseAddr("10.1.2.3"), 0)
		if deny.Check(netip.AddrPortFrom(addr, 80), "") == nil {
			t.Errorf("%s passes although it is denied", addr)
		}
	}
}
