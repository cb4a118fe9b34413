package prober

import (
	"errors"
	"net/netip"
	"testing"
)

// TestEveryNetworkAlwaysRefused has the first and the last address of each network that no policy
// opens, what is just beside it, and why; and the IPv6 forms of those that clouds serve
// their metadata at.
func TestEveryNetworkAlwaysRefused(t *testing.T) {
	const unspecified, linkLocal, metadata, multicast, broadcast = "unspecified address", "link-local address", "cloud metadata address", "multicast address", "broadcast address"
	for text, why := range map[string]string{
		"0.0.0.0": unspecified, "0.255.255.255": unspecified, "1.0.0.0": "",
		"169.253.255.255": "", "169.254.0.0": linkLocal, "169.254.255.255": linkLocal, "169.255.0.0": "",
		"100.100.100.199": "", "100.100.100.200": metadata, "100.100.100.201": "",
		"168.63.129.15": "", "168.63.129.16": metadata, "168.63.129.17": "",
		"192.0.0.191": "", "192.0.0.192": metadata, "192.0.0.193": "",
		"223.255.255.255": "", "224.0.0.0": multicast, "239.255.255.255": multicast, "240.0.0.0": "",
		"255.255.255.254": "", "255.255.255.255": broadcast,
		"::": unspecified, "::1": "",
		"fe7f::1": "", "fe80::": linkLocal, "febf:ffff::1": linkLocal, "fec0::1": "",
		"fd00:ec1:ffff::1": "", "fd00:ec2::": metadata, "fd00:ec2:ffff::1": metadata, "fd00:ec3::1": "",
		"fd20:ce::253": "", "fd20:ce::254": metadata, "fd20:ce::255": "",
		"fd00:42::41": "", "fd00:42::42": metadata, "fd00:42::43": "",
		"fd00:a9fe:a9fe::": "", "fd00:a9fe:a9fe::1": metadata, "fd00:a9fe:a9fe::2": "",
		"fd00:c1::a9fe:a9fe": metadata, "fd00:c1::a9fe:a9fd": "",
		"feff::1": "", "ff00::": multicast, "ffff::1": multicast,
		// by a prefix of a network's own for NAT64, and by those of all
		"2001:db8::a9fe:a9fe": linkLocal, "2001:db8::a9fe:aa02": linkLocal, "2001:db8::6464:64c8": metadata, "2001:db8::a83f:8110": metadata, "2001:db8::c000:c0": metadata,
		"2001:db8::a9fe:a9ff": "", "64:ff9b::a9fe:a9fe": linkLocal, "64:ff9b::a9fe:1": linkLocal, "64:ff9b::a00:1": "",
		"2002:a9fe:a9fe::1": linkLocal, "2002:a00:1::1": "", "::ffff:0:a9fe:a9fe": linkLocal, "::a9fe:a9fe": linkLocal,
	} {
		for _, policy := range []*NetworkPolicy{nil, {}, {Allow: []NetworkRule{{}}}} {
			addr, got := netip.MustParseAddr(text), ""
			if refused, ok := errors.AsType[*PolicyError](policy.Check(netip.AddrPortFrom(addr, 80), "")); ok {
				got = refused.Why
			}
			if got != why {
				t.Errorf("%s: %q, want %q", text, got, why)
			}
		}
	}
}
