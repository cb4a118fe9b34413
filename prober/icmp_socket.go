package prober

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// pingSocket sends echo requests and passes replies to the probes that wait for them.
type pingSocket struct {
	conn    *icmp.PacketConn
	raw     bool
	family  int
	id      uint16
	payload int
	wg      sync.WaitGroup
	closed  atomic.Bool
	users   int // guarded by the pinger

	mu      sync.Mutex // guards what follows
	next    uint16     // sequence number
	waiting map[echoKey]waiter
}

// echoKey finds the request that a reply may belong to.
type echoKey struct {
	peer     netip.Addr
	sequence uint16
}

// waiter is a request that waits for its reply.
type waiter struct {
	exchange *echoExchange
	packet   int
	message  []byte // as it was sent
	sent     time.Time
}

// receiveBuffer is room for some hundred replies that come at once. The system
// may give less.
const receiveBuffer = 1 << 20

// configure sets the options of the socket.
func (s *pingSocket) configure(p *pinger) error {
	if s.family == 1 {
		return s.configure6(p)
	}
	conn := s.conn.IPv4PacketConn()
	enlarge(conn.PacketConn)
	if p.ttl > 0 {
		if err := conn.SetTTL(p.ttl); err != nil {
			return fmt.Errorf("setting the TTL: %w", err)
		}
	}
	if p.dontFragment {
		if err := forbidFragments(conn.PacketConn); err != nil {
			return fmt.Errorf("forbidding fragments: %w", err)
		}
	}
	if s.raw {
		var filter ipv4.ICMPFilter
		filter.SetAll(true)
		for _, wanted := range []ipv4.ICMPType{
			ipv4.ICMPTypeEchoReply, ipv4.ICMPTypeDestinationUnreachable, ipv4.ICMPTypeTimeExceeded, ipv4.ICMPTypeParameterProblem,
		} {
			filter.Accept(wanted)
		}
		_ = conn.SetICMPFilter(&filter) // saves work where it is possible
	}
	_ = conn.SetControlMessage(ipv4.FlagTTL, true) // without it the metric is absent
	return nil
}

func (s *pingSocket) configure6(p *pinger) error {
	conn := s.conn.IPv6PacketConn()
	enlarge(conn.PacketConn)
	if p.ttl > 0 {
		if err := conn.SetHopLimit(p.ttl); err != nil {
			return fmt.Errorf("setting the hop limit: %w", err)
		}
	}
	if s.raw {
		var filter ipv6.ICMPFilter
		filter.SetAll(true)
		for _, wanted := range []ipv6.ICMPType{
			ipv6.ICMPTypeEchoReply, ipv6.ICMPTypeDestinationUnreachable, ipv6.ICMPTypePacketTooBig,
			ipv6.ICMPTypeTimeExceeded, ipv6.ICMPTypeParameterProblem,
		} {
			filter.Accept(wanted)
		}
		_ = conn.SetICMPFilter(&filter)
	}
	_ = conn.SetControlMessage(ipv6.FlagHopLimit, true)
	return nil
}

func enlarge(conn net.PacketConn) {
	if c, ok := conn.(interface{ SetReadBuffer(bytes int) error }); ok {
		_ = c.SetReadBuffer(receiveBuffer)
	}
}

// close ends the socket and waits until nothing is received from it any more.
func (s *pingSocket) close() {
	s.closed.Store(true)
	s.conn.Close()
	s.wg.Wait()
}

// maxReadErrors is how many errors in a row make a socket count as broken.
const maxReadErrors = 100

// receive reads messages until the socket is closed, or broken.
func (s *pingSocket) receive() {
	// A reply is as long as its request; one byte more shows that it is longer.
	// There may be options before it, and complaints have up to 576 bytes.
	buf := make([]byte, max(len(s.message(0))+1+maxIPv4Options, 576))
	errorsInRow := 0
	for errorsInRow < maxReadErrors {
		n, hopLimit, peer, err := s.read(buf)
		now := time.Now()
		if s.closed.Load() {
			return
		}
		if err != nil { // of one packet, or of a malformed packet
			errorsInRow++
			continue
		}
		errorsInRow = 0
		s.deliver(buf[:n], peer, hopLimit, now)
	}
}

// read reads one message; hopLimit is -1 if it is not known.
func (s *pingSocket) read(buf []byte) (n, hopLimit int, peer netip.Addr, err error) {
	hopLimit = -1
	var from net.Addr
	if s.family == 1 {
		var control *ipv6.ControlMessage
		if n, control, from, err = s.conn.IPv6PacketConn().ReadFrom(buf); control != nil {
			hopLimit = control.HopLimit
		}
	} else {
		var control *ipv4.ControlMessage
		if n, control, from, err = s.conn.IPv4PacketConn().ReadFrom(buf); control != nil {
			hopLimit = control.TTL
		}
	}
	switch from := from.(type) {
	case *net.UDPAddr:
		peer, _ = netip.AddrFromSlice(from.IP)
	case *net.IPAddr:
		peer, _ = netip.AddrFromSlice(from.IP)
	}
	return n, hopLimit, peer.Unmap(), err
}

// deliver passes a message to the probe that waits for it, if it is the reply to what
// was sent: same identifier, sequence number and payload, and from where it
// was sent to. Complaints about what was sent are kept.
func (s *pingSocket) deliver(message []byte, peer netip.Addr, hopLimit int, now time.Time) {
	if len(message) < echoHeader {
		return
	}
	if message[0] != s.replyType() {
		s.complain(message, peer)
		return
	}
	key := echoKey{peer, binary.BigEndian.Uint16(message[sequenceAt:])}
	s.mu.Lock()
	w, ok := s.waiting[key]
	if ok = ok && s.answers(message, w.message); ok {
		delete(s.waiting, key)
	}
	s.mu.Unlock()
	if ok {
		// There is room for one reply to each packet.
		w.exchange.replies <- echoAnswer{packet: w.packet, rtt: now.Sub(w.sent), hopLimit: hopLimit}
	}
}

// complain keeps the message of a router about a packet of ours. It ends
// nothing: a reply may come all the same.
func (s *pingSocket) complain(message []byte, peer netip.Addr) {
	c, ok := readComplaint(s.family == 1, message)
	if !ok || c.id != s.id {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if w, ok := s.waiting[echoKey{c.to, c.sequence}]; ok {
		w.exchange.complaint = peer.String() + " says: " + c.text
	}
}
