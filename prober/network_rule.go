package prober

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ParseNetworkRule reads a network (10.0.0.0/8), an address, a host name or
// *.example.org, each with an optional :port; IPv6 with a port is in brackets.
// "*" is every place, "*:25" every place's port 25. The warning is ParseNetwork's.
func ParseNetworkRule(text string) (rule NetworkRule, warning string, err error) {
	place, port, err := splitRule(strings.TrimSpace(text))
	if err != nil {
		return NetworkRule{}, "", fmt.Errorf("%q: %w", WithoutLogin(text), err)
	}
	rule.Port = port
	switch {
	case place == "*":
		return rule, "", nil
	case strings.Contains(place, "/"):
		rule.Prefix, warning, err = ParseNetwork(place)
	default:
		warning, err = rule.parsePlace(place)
	}
	if err != nil {
		return NetworkRule{}, "", err
	}
	return rule, warning, nil
}

// splitRule takes the port off a rule.
func splitRule(text string) (place string, port uint16, err error) {
	digits, hasPort := "", false
	switch {
	case strings.HasPrefix(text, "["):
		inner, rest, closed := strings.Cut(text[1:], "]")
		if !closed {
			return "", 0, fmt.Errorf("missing ]")
		}
		place = inner
		if digits, hasPort = strings.CutPrefix(rest, ":"); !hasPort && rest != "" {
			return "", 0, fmt.Errorf("%q follows the address", WithoutLogin(rest))
		}
	case strings.Count(text, ":") > 1:
		place = text
	default:
		place, digits, hasPort = strings.Cut(text, ":")
	}
	if hasPort {
		n, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || n == 0 {
			return "", 0, fmt.Errorf("%q is not a valid port, must be 1 to 65535", digits[lastAt(digits)+1:])
		}
		port = uint16(n)
	}
	return place, port, nil
}

// ParseNetwork reads a network (10.0.0.0/8), or an address, which is a network of one.
// Whoever writes 10.0.0.1/8 is understood, and warned: bits beyond the mask are
// dropped, as is a zone.
func ParseNetwork(text string) (network netip.Prefix, warning string, err error) {
	network, err = netip.ParsePrefix(text)
	if err != nil {
		addr, errAddr := netip.ParseAddr(text)
		if errAddr != nil {
			return netip.Prefix{}, "", fmt.Errorf("%q is not a valid network, such as 192.168.0.0/16 or fd00::/8", WithoutLogin(text))
		}
		if addr.Zone() != "" {
			warning = fmt.Sprintf("%q is read as %s: networks have no zone", text, addr.WithZone(""))
		}
		addr = addr.WithZone("").Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), warning, nil
	}
	if a := network.Addr(); a.Is4In6() {
		if network.Bits() < 96 {
			return netip.Prefix{}, "", fmt.Errorf("%q covers more than IPv4; did you mean %s?", text, netip.PrefixFrom(a.Unmap(), min(network.Bits(), 32)).Masked())
		}
		network = netip.PrefixFrom(a.Unmap(), network.Bits()-96)
	}
	if masked := network.Masked(); masked != network {
		return masked, fmt.Sprintf("%q has bits outside its mask and is read as %s", text, masked), nil
	}
	return network, "", nil
}

// parsePlace reads an address or a name.
func (r *NetworkRule) parsePlace(place string) (warning string, err error) {
	place = plainHost(place)
	if network, warning, err := ParseNetwork(place); err == nil {
		r.Prefix = network
		return warning, nil
	}
	if addr, ok := parseLooseIPv4(place); ok {
		return "", fmt.Errorf("%q is an unusual spelling of %s", place, addr)
	}
	name, isGlob := strings.CutPrefix(place, "*.")
	if !validHostname(name) {
		return "", fmt.Errorf("%q is neither a network, an address nor a host name", WithoutLogin(place))
	}
	if isGlob {
		name = "*." + name
	}
	r.Host = name
	return "", nil
}

// String is the rule as ParseNetworkRule reads it.
func (r NetworkRule) String() string {
	place := "*"
	switch {
	case r.Host != "":
		place = r.Host
	case r.Prefix.IsValid() && r.Prefix.IsSingleIP():
		place = r.Prefix.Addr().String()
	case r.Prefix.IsValid():
		place = r.Prefix.String()
	}
	if r.Port == 0 {
		return place
	}
	return net.JoinHostPort(place, strconv.Itoa(int(r.Port)))
}
