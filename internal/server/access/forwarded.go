package access

import (
	"net/http"
	"net/netip"
	"strings"
)

// forwardingHeaders are what proxies add. Who sends one asks on behalf of somebody else.
var forwardingHeaders = []string{"Forwarded", "X-Real-Ip", "Via", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip"}

// forwarded reports whether a proxy has passed the request on, even if it says nothing
// in its header.
func forwarded(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(name, "X-Forwarded") {
			return true
		}
	}
	for _, name := range forwardingHeaders {
		if _, ok := h[name]; ok {
			return true
		}
	}
	return false
}

// onBehalf is for whom a proxy of ours asks: the rightmost address that is not itself
// one of a proxy of ours. What stands to its left was written by him. It is invalid if
// that cannot be told. via are the proxies between him and the one that asks.
func onBehalf(h http.Header, trusted func(netip.Addr) bool) (client netip.Addr, via []netip.Addr) {
	for _, chain := range [][]netip.Addr{forwardedFor(h.Values("X-Forwarded-For")), forwardedNodes(h.Values("Forwarded"))} {
		if chain == nil {
			continue
		}
		i := len(chain) - 1
		for i > 0 && trusted(chain[i]) {
			i--
		}
		if !chain[i].IsValid() || client.IsValid() && client != chain[i] {
			return netip.Addr{}, nil // one of the headers may be the client's own
		}
		client, via = chain[i], append(via, chain[i+1:]...)
	}
	return client, via
}

// forwardedFor reads X-Forwarded-For; nil if it is not there. What is not an address stands
// for one that is unknown.
func forwardedFor(lines []string) []netip.Addr {
	if len(lines) == 0 {
		return nil
	}
	var chain []netip.Addr
	for each := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		if each = strings.TrimSpace(each); each != "" {
			chain = append(chain, node(each))
		}
	}
	if len(chain) == 0 {
		return []netip.Addr{{}}
	}
	return chain
}

// forwardedNodes reads Forwarded (RFC 7239); nil if it is not there.
func forwardedNodes(lines []string) []netip.Addr {
	if len(lines) == 0 {
		return nil
	}
	var chain []netip.Addr
	for _, line := range lines { // each by itself: a client's quote does not hide what a proxy adds
		elements, ok := splitQuoted(line, ',')
		if !ok {
			chain = append(chain, netip.Addr{})
			continue
		}
		for _, element := range elements {
			if strings.TrimSpace(element) != "" {
				chain = append(chain, forNode(element))
			}
		}
	}
	if len(chain) == 0 {
		return []netip.Addr{{}}
	}
	return chain
}

// forNode is the address in one element of Forwarded.
func forNode(element string) netip.Addr {
	pairs, _ := splitQuoted(element, ';')
	var found netip.Addr
	seen := false
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), "for") {
			continue
		}
		if seen {
			return netip.Addr{} // it contradicts itself
		}
		seen = true
		if value, ok = unquoted(strings.TrimSpace(value)); ok {
			found = node(value)
		}
	}
	return found
}

// node reads an address, perhaps in brackets, perhaps with a port. Names such as
// "unknown" and "_hidden" are none.
func node(text string) netip.Addr {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		literal, port, closed := strings.Cut(inner, "]")
		if !closed || port != "" && !strings.HasPrefix(port, ":") {
			return netip.Addr{}
		}
		text = literal
	} else if host, _, ok := strings.Cut(text, ":"); ok && strings.Count(text, ":") == 1 {
		text = host
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// splitQuoted splits where sep stands outside of quotes; false if a quote never ends.
func splitQuoted(text string, sep byte) (parts []string, ok bool) {
	begin, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			parts = append(parts, text[begin:i])
			begin = i + 1
		}
	}
	return append(parts, text[begin:]), !quoted
}

// unquoted is a token as it is, or what a quoted string says.
func unquoted(text string) (string, bool) {
	if !strings.Contains(text, `"`) {
		return text, true
	}
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return "", false
	}
	return strings.ReplaceAll(text[1:len(text)-1], `\`, ""), true
}
