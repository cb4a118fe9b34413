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
	{netip.MustParsePrefix("100.100.100.200/32"), "cloud metadata address"}, // Alibaba
	{netip.MustParsePrefix("168.63.129.16/32"), "cloud metadata address"},   // Azure
	{netip.MustParsePrefix("192.0.0.192/32"), "cloud metadata address"},     // Oracle
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast address"},
	{netip.MustParsePrefix("255.255.255.255/32"), "broadcast address"},
	{netip.MustParsePrefix("fe80::/10"), "link-local address"},
	{netip.MustParsePrefix("fd00:ec2::/32"), "cloud metadata address"},          // Amazon
	{netip.MustParsePrefix("fd20:ce::254/128"), "cloud metadata address"},       // Google
	{netip.MustParsePrefix("fd00:42::42/128"), "cloud metadata address"},        // Scaleway
	{netip.MustParsePrefix("fd00:a9fe:a9fe::1/128"), "cloud metadata address"},  // Linode
	{netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), "cloud metadata address"}, // Oracle
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
	anyNAT64   = netip.MustParsePrefix("64:ff9b::/32") // that of all, and what begins like it, of any length
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
	translated = netip.MustParsePrefix("::ffff:0:0:0/96")
	compatible = netip.MustParsePrefix("::/96")
	loopback6  = netip.IPv6Loopback()
)

// maxForms is the most forms that an address can have: itself, and one for each length
// of a prefix of NAT64.
const maxForms = 1 + len(nat64Layouts)

// formsOf lists the address without zone and mapping, and then the IPv4
// addresses that IPv6 transition mechanisms would bring a packet for it to.
func formsOf(addr netip.Addr) (forms [maxForms]netip.Addr, n int) {
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
	case translated.Contains(addr), compatible.Contains(addr):
		add(last)
	case anyNAT64.Contains(addr):
		for _, v4 := range nat64Forms(&b) {
			add(v4)
		}
	case sixToFour.Contains(addr):
		add([4]byte(b[2:6]))
	case teredo.Contains(addr):
		add([4]byte(b[4:8]))
		add([4]byte{^last[0], ^last[1], ^last[2], ^last[3]})
	case b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe && b[8]&^2 == 0: // ISATAP
		add(last)
	default: // a network may have a prefix of its own for NAT64
		for _, v4 := range nat64Forms(&b) {
			if isMetadata(v4) {
				add(v4)
			}
		}
	}
	return forms, n
}

// nat64Layouts are where the four bytes stand for the lengths of prefixes (RFC 6052,
// 2.2): 32, 40, 48, 56, 64 and 96. The ninth byte is left out.
var nat64Layouts = [6][4]int{{4, 5, 6, 7}, {5, 6, 7, 9}, {6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}, {12, 13, 14, 15}}

// nat64Forms are the addresses that NAT64 may make of one, by the length of the prefix,
// which only the network knows. What would be in 0.0.0.0/8 comes of the wrong length,
// unless it is so with every one.
func nat64Forms(b *[16]byte) (list [][4]byte) {
	for _, at := range nat64Layouts {
		if v4 := [4]byte{b[at[0]], b[at[1]], b[at[2]], b[at[3]]}; v4[0] != 0 {
			list = append(list, v4)
		}
	}
	if len(list) == 0 {
		list = append(list, [4]byte(b[12:]))
	}
	return list
}

// isMetadata reports whether an address is where a cloud serves its metadata. Whole
// networks such as 169.254.0.0/16 would be found by chance.
func isMetadata(v4 [4]byte) bool {
	switch v4 {
	case [4]byte{169, 254, 169, 254}, [4]byte{169, 254, 170, 2}, [4]byte{100, 100, 100, 200}, [4]byte{168, 63, 129, 16}, [4]byte{192, 0, 0, 192}:
		return true
	}
	return false
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
