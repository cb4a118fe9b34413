package prober

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Outbound are the keys that every kind has which connects to a named host. It
// is meant to be inlined into the kind's options.
type Outbound struct {
	// PreferredIPProtocol is ip6 or empty for IPv6; anything else means IPv4, as
	// in blackbox_exporter.
	PreferredIPProtocol string `yaml:"preferred_ip_protocol"`
	// IPProtocolFallback allows the other protocol if there is no preferred address.
	IPProtocolFallback bool `yaml:"ip_protocol_fallback"`
	// SourceIPAddress is the local address to connect from; empty lets the system choose.
	SourceIPAddress string `yaml:"source_ip_address"`
	// Resolver is the DNS server (address, or address:port) that resolves the
	// target's name; empty means the system's.
	Resolver string `yaml:"resolver"`
}

// newDialer checks the keys and makes the dialer they ask for. All faults are
// returned. A wrong source address is none of them: blackbox_exporter finds it out
// with each probe, and so does this dialer.
func (o *Outbound) newDialer() (d *dialer, faults []error) {
	d = newDialer()
	if o.SourceIPAddress != "" {
		source, err := netip.ParseAddr(o.SourceIPAddress)
		if err != nil {
			d.broken = because(ReasonInternal, fmt.Errorf("source_ip_address %q is not a valid IP address", WithoutLogin(o.SourceIPAddress)))
		}
		d.source = source
	}
	if o.Resolver != "" {
		server, err := resolverAddress(o.Resolver)
		if err != nil {
			faults = append(faults, &FieldError{"resolver", err.Error()})
		}
		d.server = server.String()
		d.resolver.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, server.String())
			if err != nil {
				return nil, err
			}
			// The resolver waits for answers by its own clock; ours may be shorter.
			context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
			return conn, nil
		}
	}
	return d, faults
}

// warnings are what is most likely wrong although it can be tried.
func (o *Outbound) warnings() (list []error) {
	switch o.PreferredIPProtocol {
	case "", "ip4", "ip6":
	default:
		list = append(list, &FieldError{
			"preferred_ip_protocol", fmt.Sprintf("%q means ip4: neither ip6 nor empty", o.PreferredIPProtocol),
		})
	}
	if _, err := netip.ParseAddr(o.SourceIPAddress); o.SourceIPAddress != "" && err != nil {
		list = append(list, &FieldError{
			"source_ip_address", fmt.Sprintf("%q is not a valid IP address; every probe will fail", WithoutLogin(o.SourceIPAddress)),
		})
	}
	return list
}

// resolverAddress reads the address of a DNS server; the port is 53 if there is none.
func resolverAddress(text string) (netip.AddrPort, error) {
	if server, err := netip.ParseAddrPort(text); err == nil {
		return server, nil
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not a valid address of a DNS server, such as 192.168.0.1 or [fd00::1]:53", WithoutLogin(text))
	}
	return netip.AddrPortFrom(addr, 53), nil
}

// lookup chooses the address of a host by the keys.
func (o *Outbound) lookup(ctx context.Context, d *dialer, host string) (netip.Addr, error) {
	return d.lookup(ctx, host, o.PreferredIPProtocol, o.IPProtocolFallback)
}

// candidates are the addresses of a host that the keys allow: those of the preferred
// protocol, and then the others if they may stand in.
func (o *Outbound) candidates(ctx context.Context, d *dialer, host string) ([]netip.Addr, error) {
	if d.broken != nil {
		return nil, d.broken
	}
	addrs, err := d.addresses(ctx, familyOf(o.PreferredIPProtocol, o.IPProtocolFallback), host)
	var none *net.DNSError
	if errors.As(err, &none) && none.IsNotFound && !o.IPProtocolFallback {
		addrs, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	var preferred, others []netip.Addr
	for _, addr := range addrs {
		if addr.Is6() == prefers6(o.PreferredIPProtocol) {
			preferred = append(preferred, addr)
		} else {
			others = append(others, addr)
		}
	}
	if o.IPProtocolFallback {
		preferred = append(preferred, others...)
	}
	if len(preferred) == 0 {
		err := noAddress(host, o.PreferredIPProtocol)
		err.Err += ", and the module allows no other (ip_protocol_fallback)"
		return nil, err
	}
	return preferred, nil
}

// reach connects to the first of a host's candidates that can be connected to. The
// error is that of the first one.
func (o *Outbound) reach(ctx context.Context, d *dialer, policy *NetworkPolicy, host string, port uint16) (net.Conn, error) {
	if err := policy.CheckLiteral(net.JoinHostPort(host, strconv.Itoa(int(port)))); err != nil {
		return nil, err
	}
	addrs, err := o.candidates(ctx, d, lookupName(host))
	if err != nil {
		return nil, err
	}
	var first error
	for i, addr := range addrs {
		at := netip.AddrPortFrom(addr, port)
		err := policy.Check(at, host)
		if err == nil {
			var conn net.Conn
			if conn, err = d.dialInTime(ctx, at, len(addrs)-i); err == nil {
				return conn, nil
			}
		}
		first = cmp.Or(first, err)
	}
	return nil, first
}

// dialInTime leaves time for the other addresses that can still be tried, but never
// less than two seconds for this one.
func (d *dialer) dialInTime(ctx context.Context, at netip.AddrPort, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		share := max(time.Until(deadline)/time.Duration(left), 2*time.Second)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, share)
		defer cancel()
	}
	return d.dialChecked(ctx, "tcp", at)
}
