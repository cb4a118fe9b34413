package prober

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// NetworkPolicy says where probes may connect to. The zero value, and nil,
// refuse only what is always refused. It is immutable.
type NetworkPolicy struct {
	// Allow, if any, are the only places to connect to.
	Allow []NetworkRule
	// Deny are places not to connect to; it wins over Allow.
	Deny []NetworkRule
	// Loopback are the places of this host that others may name, too.
	Loopback []NetworkRule

	foreign bool          // who named the place is on another host
	only    []NetworkRule // of the module: what its credentials are for
}

// NetworkRule matches a place by network or host name, and by port.
type NetworkRule struct {
	// Prefix matches addresses; the zero prefix leaves that to Host.
	Prefix netip.Prefix
	// Host is an exact host name, or *.example.org for all names below it; lower case.
	Host string
	// Port is 0 for every port.
	Port uint16
}

// PolicyError is the refusal of an address.
type PolicyError struct {
	Address string
	Why     string
}

func (e *PolicyError) Error() string {
	return fmt.Sprintf("the network policy forbids %s: %s", e.Address, e.Why)
}

func validHostname(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// ForOthers is the policy for places that somebody on another host has named: what this
// host offers to itself alone, on loopback and on sockets, is not for him.
func (p *NetworkPolicy) ForOthers() *NetworkPolicy {
	q := p.copied()
	q.foreign = true
	return q
}

// within narrows the policy to what a module allows; no rules change nothing.
func (p *NetworkPolicy) within(rules []NetworkRule) *NetworkPolicy {
	if len(rules) == 0 {
		return p
	}
	q := p.copied()
	q.only = rules
	return q
}

func (p *NetworkPolicy) copied() *NetworkPolicy {
	if p == nil {
		return &NetworkPolicy{}
	}
	q := *p
	return &q
}

// Check reports whether the policy lets us connect to the address, which was
// found for the host name; host is empty or the address itself if no name was
// resolved. The error is a *PolicyError.
func (p *NetworkPolicy) Check(addr netip.AddrPort, host string) error {
	forms, n := formsOf(addr.Addr())
	for _, form := range forms[:n] {
		if why := neverAllowed(form); why != "" {
			return &PolicyError{addr.Addr().String(), why}
		}
	}
	if p == nil {
		return nil
	}
	host = plainHost(host)
	if err := p.checkLoopback(forms[:n], host, addr); err != nil {
		return err
	}
	for _, rule := range p.Deny {
		for _, form := range forms[:n] {
			if rule.matches(form, host, addr.Port()) {
				return &PolicyError{placeText(addr), "denied by " + rule.String()}
			}
		}
	}
	if !permits(p.Allow, forms[0], host, addr.Port()) {
		return &PolicyError{placeText(addr), "not among what is allowed"}
	}
	if !permits(p.only, forms[0], host, addr.Port()) {
		return &PolicyError{placeText(addr), notForModule}
	}
	return nil
}

const notForModule = "not among the hosts that the module allows (allow)"

// permits reports whether a list of what is allowed, if there is one, has the place.
func permits(list []NetworkRule, addr netip.Addr, host string, port uint16) bool {
	return len(list) == 0 || anyRule(list, addr, host, port)
}

func anyRule(list []NetworkRule, addr netip.Addr, host string, port uint16) bool {
	return slices.ContainsFunc(list, func(rule NetworkRule) bool { return rule.matches(addr, host, port) })
}

// placeText is an address as errors show it; port 0 is none, as with ICMP.
func placeText(addr netip.AddrPort) string {
	if addr.Port() == 0 {
		return addr.Addr().String()
	}
	return addr.String()
}

// matches reports whether the rule is about this place. Port 0 is a port that is
// not known yet.
func (r NetworkRule) matches(addr netip.Addr, host string, port uint16) bool {
	if r.Port != 0 && r.Port != port {
		return false
	}
	if r.Host != "" {
		return r.matchesHost(host)
	}
	return !r.Prefix.IsValid() || r.Prefix.Contains(addr)
}

func (r NetworkRule) matchesHost(host string) bool {
	if suffix, ok := strings.CutPrefix(r.Host, "*"); ok {
		return len(host) > len(suffix) && strings.HasSuffix(host, suffix)
	}
	return r.Host == host
}

// CheckLiteral reports whether a host as written in a URL or registration ("host"
// or "host:port") is refused without resolving it. It understands every
// spelling of an address that some resolver understands: 0xa9fea9fe,
// 2852039166, 0251.0376.0251.0376, 127.1. Names pass unless they are denied by
// name: their addresses are checked when they are connected to.
func (p *NetworkPolicy) CheckLiteral(host string) error {
	port := uint16(0)
	if h, digits, err := net.SplitHostPort(host); err == nil {
		n, _ := strconv.ParseUint(digits, 10, 16)
		host, port = h, uint16(n)
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	name := plainHost(host)
	addr, err := netip.ParseAddr(name)
	if err != nil {
		var ok bool
		if addr, ok = parseLooseIPv4(name); !ok {
			return p.checkName(name, port)
		}
	}
	if port == 0 {
		p = p.withoutPorts()
	}
	return p.Check(netip.AddrPortFrom(addr, port), "")
}

// withoutPorts is the policy for an address whose port is not known yet: denied
// is only what is denied at every port, allowed what is allowed at any.
func (p *NetworkPolicy) withoutPorts() *NetworkPolicy {
	if p == nil {
		return nil
	}
	q := p.copied()
	q.Deny = nil
	for _, rule := range p.Deny {
		if rule.Port == 0 {
			q.Deny = append(q.Deny, rule)
		}
	}
	q.Allow, q.Loopback, q.only = atAnyPort(p.Allow), atAnyPort(p.Loopback), atAnyPort(p.only)
	return q
}

func atAnyPort(rules []NetworkRule) []NetworkRule {
	list := slices.Clone(rules)
	for i := range list {
		list[i].Port = 0
	}
	return list
}

func (p *NetworkPolicy) checkName(name string, port uint16) error {
	if p == nil {
		return nil
	}
	for _, rule := range p.Deny {
		if !rule.Prefix.IsValid() && rule.matches(netip.Addr{}, name, port) {
			return &PolicyError{name, "denied by " + rule.String()}
		}
	}
	if err := p.checkOwnName(name, port); err != nil {
		return err
	}
	if only := p.only; len(only) > 0 && !slices.ContainsFunc(only, func(rule NetworkRule) bool { return rule.Prefix.IsValid() }) {
		if port == 0 {
			only = atAnyPort(only)
		}
		if !namesPlace(only, name, port) { // no address can be, either
			return &PolicyError{name, notForModule}
		}
	}
	return nil
}

// checkUnseen decides on a place that somebody else, a proxy, will resolve and
// connect to: if there is a list of what is allowed, the name must be on it.
func (p *NetworkPolicy) checkUnseen(host string, port uint16) error {
	name := plainHost(host)
	if err := p.CheckLiteral(net.JoinHostPort(name, strconv.Itoa(int(port)))); err != nil {
		return err
	}
	if _, err := netip.ParseAddr(name); err == nil || p == nil {
		return nil
	}
	for _, each := range []struct {
		list []NetworkRule
		why  string
	}{{p.Allow, "not among the names that are allowed"}, {p.only, notForModule}} {
		if len(each.list) > 0 && !namesPlace(each.list, name, port) {
			return &PolicyError{name, each.why}
		}
	}
	return nil
}

// namesPlace reports whether a rule is about the name, not about its addresses.
func namesPlace(list []NetworkRule, name string, port uint16) bool {
	return slices.ContainsFunc(list, func(rule NetworkRule) bool {
		return !rule.Prefix.IsValid() && rule.matches(netip.Addr{}, name, port)
	})
}
