package prober

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// These say what is wrong with the place of a target, as its kind reads it; empty for
// nothing. What they refuse could never be probed: a typing error, most likely.

func hostAndPort(place string) string {
	const want = "must be host:port, such as db.example.org:5432 or [fd00::1]:5432"
	host, port, err := net.SplitHostPort(place)
	switch {
	case err != nil || host == "" || port == "" || strings.Contains(port, "/"):
		return want
	case !validPort(port) && !portName.MatchString(port):
		return "has no valid port, must be 1 to 65535, or the name of a service such as https"
	}
	return hostFault(host)
}

func hostAlone(place string) string {
	const want = "must be a host or an IP address and nothing else, such as router.example.org or 10.0.0.1"
	if inner, ok := strings.CutPrefix(place, "["); ok {
		place = strings.TrimSuffix(inner, "]")
	}
	if _, err := netip.ParseAddr(place); err != nil && strings.ContainsAny(place, ":/?#") {
		return want
	}
	return hostFault(place)
}

func hostMaybePort(place string) string {
	host, port := splitTarget(place, 53)
	switch _, err := netip.ParseAddr(host); {
	case err != nil && strings.ContainsAny(host, ":/?#"):
		return "must be host or host:port, such as 10.0.0.1 or resolver.example.org:5353"
	case !validPort(port) && !portName.MatchString(port):
		return "has no valid port, must be 1 to 65535"
	}
	return hostFault(host)
}

func grpcPlace(place string) string {
	if _, err := netip.ParseAddr(place); err == nil {
		return ""
	}
	scheme, _, hasScheme := strings.Cut(place, "://")
	u, err := parseHTTPTarget(place)
	switch {
	case err != nil || hasScheme && !slices.Contains([]string{"http", "https"}, strings.ToLower(scheme)):
		return "must be host, host:port, or a URL with http:// or https://, such as orders.example.org:8443"
	case u.Port() != "" && !validPort(u.Port()):
		return "has no valid port, must be 1 to 65535"
	}
	return hostFault(u.Hostname())
}

func websocketPlace(place string) string {
	u, err := url.Parse(place)
	switch {
	case err != nil || !slices.Contains([]string{"ws", "wss", "http", "https"}, u.Scheme) || u.Hostname() == "":
		return "must be a URL with ws:// or wss://, such as wss://chat.example.org/socket"
	case u.Port() != "" && !validPort(u.Port()):
		return "has no valid port, must be 1 to 65535"
	}
	return hostFault(u.Hostname())
}

// portName is what the system may know a port by.
var portName = regexp.MustCompile(`^[a-zA-Z0-9]*[a-zA-Z][a-zA-Z0-9-]*$`)

// hostFault says why nothing can be found under the name of a host.
func hostFault(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	name := strings.TrimSuffix(asciiHost(host), ".")
	labels := strings.Split(name, ".")
	if len(labels) == 4 && !slices.ContainsFunc(labels, func(l string) bool { return !isDigits(l) }) && slices.ContainsFunc(labels, beyondByte) {
		return "has a host that is not a valid IP address: each number must be 0 to 255"
	}
	for _, c := range name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_%:", c) && c < 0x80 {
			return "has " + strconv.QuoteRune(c) + " in its host, which may have letters, digits, dots and hyphens"
		}
	}
	switch {
	case len(name) > 253:
		return "has a host of more than 253 characters"
	case name == "" || slices.Contains(labels, ""):
		return "has a host with nothing before, after or between its dots"
	case slices.ContainsFunc(labels, func(l string) bool { return len(l) > 63 }):
		return "has a host with more than 63 characters between its dots"
	}
	return ""
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// beyondByte reports whether a number is none of an IPv4 address.
func beyondByte(digits string) bool {
	n, err := strconv.Atoi(digits)
	return err != nil || n > 255
}
