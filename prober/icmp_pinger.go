package prober

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"

	"golang.org/x/net/icmp"
)

// ICMPAvailable reports whether this process may send echo requests. The error
// says what to do about it.
func ICMPAvailable() error {
	conn, _, err := listenICMP(false, netip.Addr{})
	if err != nil { // perhaps there is no IPv4 at all
		var err6 error
		if conn, _, err6 = listenICMP(true, netip.Addr{}); err6 != nil {
			return err
		}
	}
	return conn.Close()
}

// errNoICMP says what to do when neither kind of socket is permitted.
func errNoICMP() error {
	if runtime.GOOS != "linux" {
		return &ownFault{"sending ICMP is not permitted: run this program as administrator"}
	}
	return &ownFault{`sending ICMP is not permitted: allow it with sysctl net.ipv4.ping_group_range="0 2147483647", ` +
		`or give this program the capability with setcap cap_net_raw+ep`}
}

// listenICMP opens a socket: an unprivileged one, which gets only replies to
// its own requests, or a raw one, which gets those to everybody's. That there is
// none never says anything about a target.
func listenICMP(v6 bool, source netip.Addr) (conn *icmp.PacketConn, raw bool, err error) {
	udp, ip, local := "udp4", "ip4:1", "0.0.0.0"
	if v6 {
		udp, ip, local = "udp6", "ip6:58", "::"
	}
	if source.IsValid() {
		if source = source.Unmap(); source.Is6() != v6 {
			return nil, false, &ownFault{fmt.Sprintf("source_ip_address %s is not of the target's IP protocol", source)}
		}
		local = source.String()
	}
	conn, err = icmp.ListenPacket(udp, local)
	if err == nil || outOfResources(err) {
		return conn, false, err
	}
	conn, err = icmp.ListenPacket(ip, local)
	switch {
	case err == nil, outOfResources(err):
		return conn, true, err
	case errors.Is(err, os.ErrPermission):
		return nil, true, errNoICMP()
	}
	return nil, true, &ownFault{"opening an ICMP socket: " + plainError(err)}
}

// pinger owns the sockets of one module: at most one for each address family,
// shared by all probes that are under way and closed after the last of them.
type pinger struct {
	source       netip.Addr
	ttl          int
	dontFragment bool
	payload      int

	mu   sync.Mutex // guards what follows, and users of the sockets
	open [2]*pingSocket
}

func family(addr netip.Addr) int {
	if addr.Is6() {
		return 1
	}
	return 0
}

// acquire is the socket for an address. It must be released.
func (p *pinger) acquire(addr netip.Addr) (*pingSocket, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	slot := &p.open[family(addr)]
	if *slot == nil {
		socket, err := p.newSocket(addr.Is6())
		if err != nil {
			return nil, err
		}
		*slot = socket
	}
	(*slot).users++
	return *slot, nil
}

// release ends the use of a socket; the last user closes it.
func (p *pinger) release(s *pingSocket) {
	p.mu.Lock()
	s.users--
	last := s.users == 0
	if last {
		p.forgetLocked(s)
	}
	p.mu.Unlock()
	if last {
		s.close()
	}
}

// forget makes the next probe open another socket.
func (p *pinger) forget(s *pingSocket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgetLocked(s)
}

func (p *pinger) forgetLocked(s *pingSocket) {
	if p.open[s.family] == s {
		p.open[s.family] = nil
	}
}

// newSocket opens a socket and starts to receive from it.
func (p *pinger) newSocket(v6 bool) (*pingSocket, error) {
	conn, raw, err := listenICMP(v6, p.source)
	if err != nil {
		return nil, err
	}
	s := &pingSocket{
		conn: conn, raw: raw, id: uint16(rand.Uint32()), next: uint16(rand.Uint32()),
		payload: p.payload, waiting: map[echoKey]waiter{},
	}
	if v6 {
		s.family = 1
	}
	if local, ok := conn.LocalAddr().(*net.UDPAddr); ok && local.Port != 0 {
		s.id = uint16(local.Port) // Linux replaces the identifier by this
	}
	if err := s.configure(p); err != nil {
		conn.Close()
		return nil, &ownFault{err.Error()}
	}
	s.wg.Go(func() {
		s.receive()
		p.forget(s) // it is of no use any more, whether closed or broken
	})
	return s, nil
}
