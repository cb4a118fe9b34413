package testport

import (
	"net"
	"testing"
)

// Reserve is a TCP address of loopback. Whoever is told it may listen on it, as often
// as he likes; until then connections are refused. Until the test ends nobody gets the
// port by chance.
func Reserve(t testing.TB) (address string) {
	t.Helper()
	address, release, err := reserve()
	if err != nil {
		t.Fatalf("reserving a port: %v", err)
	}
	t.Cleanup(release)
	return address
}

// Listen listens on an address that stays reserved after the listener is closed.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", Reserve(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // it may be closed already
	return l
}

// RefusingUDP is a UDP address of loopback at which datagrams are refused, and which
// nobody gets by chance until the test ends: the socket that holds the port hears one
// peer only, which says nothing.
func RefusingUDP(t testing.TB) (address string) {
	t.Helper()
	loopback := net.IPv4(127, 0, 0, 1)
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: loopback}, &net.UDPAddr{IP: loopback, Port: 9})
	if err != nil {
		t.Fatalf("reserving a port: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String()
}
