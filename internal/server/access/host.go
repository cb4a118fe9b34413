package access

import (
	"net/netip"
	"slices"
	"strings"
)

// privateDomains are those that no stranger can have a name in.
var privateDomains = []string{".local", ".internal", ".lan", ".home.arpa", ".localdomain", ".localhost", ".svc", ".cluster.local"}

// hostname is the host of a Host header in lower case, without its port and the dot that
// may end it; empty if it is malformed. It is an address without brackets, or a name.
func hostname(header string) string {
	host := header
	if addr, ok := address(host); ok && addr.Is6() {
		return addr.Unmap().String() // without the brackets that it ought to have
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		literal, port, closed := strings.Cut(inner, "]")
		addr, err := netip.ParseAddr(strings.Replace(literal, "%25", "%", 1))
		if !closed || err != nil || !addr.Is6() || !validPort(port) {
			return ""
		}
		return addr.Unmap().String()
	}
	if name, port, ok := strings.Cut(host, ":"); ok {
		if !validPort(":" + port) {
			return ""
		}
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !validName(host) {
		return ""
	}
	return host
}

// address reads a host that is one. That most are not is seen without an error being made
// of it: an address of IPv6 has colons, one of IPv4 has none and ends in a digit.
func address(host string) (addr netip.Addr, ok bool) {
	switch colons := strings.Count(host, ":"); {
	case colons == 1, colons == 0 && strings.TrimRight(host, "0123456789") == host:
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(host)
	return addr, err == nil
}

func validPort(text string) bool {
	port, ok := strings.CutPrefix(text, ":")
	return text == "" || ok && len(port) <= 5 && strings.Trim(port, "0123456789") == ""
}

// validName reports whether a name could be one of the DNS, or an IPv4 address.
func validName(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range label {
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}

// unownable reports whether no stranger can own a host: there is no name to own, or it
// means something in a network like this one only.
func unownable(host string) bool {
	if host == "" {
		return false
	}
	if _, ok := address(host); ok {
		return true
	}
	return !strings.Contains(host, ".") ||
		slices.ContainsFunc(privateDomains, func(domain string) bool { return strings.HasSuffix(host, domain) })
}
