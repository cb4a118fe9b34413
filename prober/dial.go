package prober

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
)

// dialer opens the connections of probes. It is the only way out: it asks the
// network policy about each address at the moment of connecting, so that a name
// which resolves differently the second time (DNS rebinding) is refused too.
type dialer struct {
	resolver *net.Resolver
	server   string     // whom the resolver asks; empty for those of the system
	source   netip.Addr // the local address; the zero address lets the system choose
	broken   error      // why nothing can be opened: the options are wrong
}

// local is the local address to connect from, as net.Dialer wants it.
func (d *dialer) local(network string) net.Addr {
	switch {
	case !d.source.IsValid():
		return nil
	case strings.HasPrefix(network, "udp"):
		return net.UDPAddrFromAddrPort(netip.AddrPortFrom(d.source, 0))
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(d.source, 0))
}

// newDialer makes a dialer that uses Go's own resolver, which can be cancelled
// and does not understand 0x7f000001 as an address.
func newDialer() *dialer {
	return &dialer{resolver: &net.Resolver{PreferGo: true}}
}

// dial connects to host:port. A name with several addresses is tried as
// net.Dialer does it, IPv6 and IPv4 side by side.
func (d *dialer) dial(ctx context.Context, policy *NetworkPolicy, network, address string) (net.Conn, error) {
	if d.broken != nil {
		return nil, d.broken
	}
	if literal, err := netip.ParseAddrPort(address); err == nil {
		if err := policy.Check(literal, ""); err != nil {
			return nil, err
		}
		return d.dialChecked(ctx, network, literal)
	}
	if err := policy.CheckLiteral(address); err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if host == "" { // which would mean this host to the system
		return nil, &net.DNSError{Err: "no name at all", Name: host, IsNotFound: true}
	}
	nd := net.Dialer{KeepAlive: -1, Resolver: d.resolver, LocalAddr: d.local(network)}
	nd.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
		found, err := netip.ParseAddrPort(address)
		if err != nil {
			return &PolicyError{address, "no address"}
		}
		lookupsOf(ctx).note(d.server, host)
		return policy.Check(found, host)
	}
	conn, err := nd.DialContext(ctx, network, address)
	if err != nil {
		err = lookupsOf(ctx).judge(ctx, d, host, err)
	}
	return conn, err
}

// dialChecked connects to an address that the policy has just been asked about.
func (d *dialer) dialChecked(ctx context.Context, network string, addr netip.AddrPort) (net.Conn, error) {
	nd := net.Dialer{KeepAlive: -1, LocalAddr: d.local(network)}
	return nd.DialContext(ctx, network, addr.String())
}

// lookup chooses one address of the host, as blackbox_exporter does: the first
// of the preferred family, or with fallback the last of the other one. Literal
// addresses are taken as they are. Everything but "" and "ip6" means IPv4.
func (d *dialer) lookup(ctx context.Context, host, preferred string, fallback bool) (netip.Addr, error) {
	if d.broken != nil {
		return netip.Addr{}, d.broken
	}
	addrs, err := d.addresses(ctx, familyOf(preferred, fallback), host)
	if err != nil {
		return netip.Addr{}, err
	}
	var other netip.Addr
	for _, addr := range addrs {
		if addr.Is6() == prefers6(preferred) {
			return addr, nil
		}
		other = addr
	}
	if fallback && other.IsValid() {
		return other, nil
	}
	return netip.Addr{}, noAddress(host, preferred)
}

func prefers6(preferred string) bool { return preferred == "" || preferred == "ip6" }

// familyOf says which addresses to ask for.
func familyOf(preferred string, fallback bool) (network string) {
	switch {
	case fallback:
		return "ip"
	case prefers6(preferred):
		return "ip6"
	}
	return "ip4"
}

func noAddress(host, preferred string) *net.DNSError {
	family := "IPv4"
	if prefers6(preferred) {
		family = "IPv6"
	}
	return &net.DNSError{Err: "no " + family + " address", Name: host, IsNotFound: true}
}

// addresses are those of the host; the network (ip, ip4 or ip6) says which to
// ask for.
func (d *dialer) addresses(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr.Unmap()}, nil
	}
	// An odd spelling of an address is not looked up.
	if _, odd := parseLooseIPv4(strings.TrimSuffix(host, ".")); odd {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	addrs, err := d.resolver.LookupNetIP(ctx, network, host)
	if err == nil {
		lookupsOf(ctx).note(d.server, host)
	}
	if _, none := errors.AsType[*net.AddrError](err); none {
		return nil, nil // there are some, but not of this network
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, lookupsOf(ctx).judge(ctx, d, host, err)
}
