package prober

import (
	"net/netip"
	"strconv"
	"strings"
)

// alwaysRefused are the networks no policy opens, with why.
var alwaysRefused = []struct {
	prefix netip.Prefix
	why    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local address"},
	{netip.MustParsePrefix("100.100.100.200/32"), "cloud metadata address"},
	{netip.MustParsePrefix("168.63.129.16/32"), "cloud metadata address"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast address"},
	{netip.MustParsePrefix("255.255.255.255/32"), "broadcast address"},
	{netip.MustParsePrefix("::/128"), "unspecified address"},
	{netip.MustParsePrefix("fe80::/10"), "link-local address"},
	{netip.MustParsePrefix("fd00:ec2::/32"), "cloud metadata address"},
	{netip.MustParsePrefix("ff00::/8"), "multicast address"},
}

func neverAllowed(addr netip.Addr) string {
	if !addr.IsValid() {
		return "no address"
	}
	is4 := addr.Is4()
	for i := range alwaysRefused {
		if r := &alwaysRefused[i]; r.prefix.Addr().Is4() == is4 && r.prefix.Contains(addr) {
			return r.why
		}
	}
	return ""
}

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
	translated = netip.MustParsePrefix("::ffff:0:0:0/96")
	compatible = netip.MustParsePrefix("::/96")
	loopback6  = netip.IPv6Loopback()
)

// formsOf lists the address without zone and mapping, and then the IPv4
// addresses that IPv6 transition mechanisms would bring a packet for it to.
func formsOf(addr netip.Addr) (forms [3]netip.Addr, n int) {
	addr = addr.WithZone("").Unmap()
	forms[0], n = addr, 1
	if !addr.Is6() {
		return forms, n
	}
	b := addr.As16()
	add := func(v4 [4]byte) { forms[n] = netip.AddrFrom4(v4); n++ }
	last := [4]byte(b[12:])
	switch {
	case addr == loopback6:
	case nat64.Contains(addr), localNAT64.Contains(addr), translated.Contains(addr), compatible.Contains(addr):
		add(last)
	case sixToFour.Contains(addr):
		add([4]byte(b[2:6]))
	case teredo.Contains(addr):
		add([4]byte(b[4:8]))
		add([4]byte{^last[0], ^last[1], ^last[2], ^last[3]})
	case b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe && b[8]&^2 == 0: // ISATAP
		add(last)
	}
	return forms, n
}

// parseLooseIPv4 reads an IPv4 address as inet_aton does: one to four parts,
// each decimal, octal (0…) or hexadecimal (0x…), the last filling what is left.
func parseLooseIPv4(text string) (netip.Addr, bool) {
	parts := strings.Split(text, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, part := range parts {
		n, err := strconv.ParseUint(aton(part), 0, 32)
		if err != nil {
			return netip.Addr{}, false
		}
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (5 - len(parts))
		}
		if n >= 1<<bits {
			return netip.Addr{}, false
		}
		sum = sum<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

// aton makes a number of inet_aton one of Go's, or nothing at all.
func aton(part string) string {
	if strings.HasPrefix(part, "0x") || strings.HasPrefix(part, "0X") {
		if part = part[2:]; part == "" || strings.Trim(part, "0123456789abcdefABCDEF") != "" {
			return ""
		}
		return "0x" + part
	}
	if strings.Trim(part, "0123456789") != "" {
		return ""
	}
	return part // a leading 0 means octal to ParseUint too
}
