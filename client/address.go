package client

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// OutboundIP is the address by which the host is most likely reached from outside: the
// source address of packets to the Internet or, without a route there, the first address of
// its interfaces. No packet is sent to find it. A host without a network has 127.0.0.1.
func OutboundIP() netip.Addr {
	for _, far := range []string{"8.8.8.8:1", "[2001:4860:4860::8888]:1"} {
		conn, err := net.Dial("udp", far)
		if err != nil {
			continue
		}
		local, ok := conn.LocalAddr().(*net.UDPAddr)
		conn.Close()
		if ok && !local.IP.IsUnspecified() {
			return local.AddrPort().Addr().Unmap()
		}
	}
	return firstAddress()
}

// firstAddress is IPv4 if there is any.
func firstAddress() netip.Addr {
	first := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	addresses, _ := net.InterfaceAddrs() // without them there is no network
	for _, each := range addresses {
		prefix, err := netip.ParsePrefix(each.String())
		if err != nil || prefix.Addr().IsLoopback() || prefix.Addr().IsLinkLocalUnicast() {
			continue
		}
		if prefix.Addr().Is4() {
			return prefix.Addr()
		}
		if first.IsLoopback() {
			first = prefix.Addr()
		}
	}
	return first
}

// FreePort returns a TCP port that is free at the moment. If you can, listen on port 0
// instead: another program may take the port before it is used.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// URLOf is the URL by which a listener is most likely reached from outside. A
// listener on one address has that address; one on all has OutboundIP.
func URLOf(l net.Listener) string {
	host, port := OutboundIP(), 0
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		port = tcp.Port
		if own, ok := netip.AddrFromSlice(tcp.IP); ok && !own.IsUnspecified() {
			host = own.Unmap()
		}
	}
	return "http://" + net.JoinHostPort(host.String(), strconv.Itoa(port))
}
