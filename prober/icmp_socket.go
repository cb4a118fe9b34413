package prober

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// ICMPAvailable tells whether this process may send echo requests. The error
// says what to do about it.
func ICMPAvailable() error {
	conn, _, err := listenICMP(false, netip.Addr{})
	if err != nil {
		return err
	}
	return conn.Close()
}

// errNoICMP says what to do when neither kind of socket is permitted.
func errNoICMP() error {
	if runtime.GOOS != "linux" {
		return &icmpFault{"sending ICMP is not permitted: run this program as administrator"}
	}
	return &icmpFault{`sending ICMP is not permitted: allow it with sysctl net.ipv4.ping_group_range="0 2147483647", ` +
		`or give this program the capability with setcap cap_net_raw+ep`}
}

// listenICMP opens a socket: an unprivileged one, which gets only replies to
// its own requests, or a raw one, which gets those to everybody's.
func listenICMP(v6 bool, source netip.Addr) (conn *icmp.PacketConn, raw bool, err error) {
	udp, ip, local := "udp4", "ip4:1", "0.0.0.0"
	if v6 {
		udp, ip, local = "udp6", "ip6:58", "::"
	}
	if source.IsValid() {
		if source = source.Unmap(); source.Is6() != v6 {
			return nil, false, because(ReasonConnect, fmt.Errorf("source_ip_address %s is not of the target's IP protocol", source))
		}
		local = source.String()
	}
	conn, unprivileged := icmp.ListenPacket(udp, local)
	if unprivileged == nil {
		return conn, false, nil
	}
	if outOfResources(unprivileged) {
		return nil, false, unprivileged
	}
	conn, err = icmp.ListenPacket(ip, local)
	if errors.Is(err, os.ErrPermission) {
		err = errNoICMP()
	}
	return conn, true, err
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

// release ends the use of a socket; the last to leave closes it.
func (p *pinger) release(s *pingSocket) {
	p.mu.Lock()
	s.users--
	last := s.users == 0
	if last {
		p.open[s.family] = nil
	}
	p.mu.Unlock()
	if last {
		s.close()
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
		return nil, err
	}
	s.wg.Go(s.receive)
	return s, nil
}

// pingSocket sends echo requests and hands replies to those who wait for them.
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

// Types of messages.
const (
	echoReply4, echoRequest4 = byte(ipv4.ICMPTypeEchoReply), byte(ipv4.ICMPTypeEcho)
	echoRequest6, echoReply6 = byte(128), byte(129)
)

// configure sets the options of the socket.
func (s *pingSocket) configure(p *pinger) error {
	if s.family == 1 {
		return s.configure6(p)
	}
	conn := s.conn.IPv4PacketConn()
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
		filter.Accept(ipv4.ICMPTypeEchoReply)
		_ = conn.SetICMPFilter(&filter) // saves work where it is possible
	}
	_ = conn.SetControlMessage(ipv4.FlagTTL, true) // without it the metric is absent
	return nil
}

func (s *pingSocket) configure6(p *pinger) error {
	conn := s.conn.IPv6PacketConn()
	if p.ttl > 0 {
		if err := conn.SetHopLimit(p.ttl); err != nil {
			return fmt.Errorf("setting the hop limit: %w", err)
		}
	}
	if s.raw {
		var filter ipv6.ICMPFilter
		filter.SetAll(true)
		filter.Accept(ipv6.ICMPTypeEchoReply)
		_ = conn.SetICMPFilter(&filter)
	}
	_ = conn.SetControlMessage(ipv6.FlagHopLimit, true)
	return nil
}

// close ends the socket and waits until nothing is received from it any more.
func (s *pingSocket) close() {
	s.closed.Store(true)
	s.conn.Close()
	s.wg.Wait()
}

// receive reads replies until the socket is closed.
func (s *pingSocket) receive() {
	// A reply is as long as its request; one byte more shows that it is longer.
	buf := make([]byte, len(s.message(0))+1)
	for {
		n, hopLimit, peer, err := s.read(buf)
		now := time.Now()
		if s.closed.Load() {
			return
		}
		if err == nil { // else it was an error of one packet, or a packet that is none
			s.deliver(buf[:n], peer, hopLimit, now)
		}
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

// deliver hands a message to who waits for it, if it is just the reply to what
// was sent: same identifier, sequence number and payload, and from where it
// was sent to.
func (s *pingSocket) deliver(message []byte, peer netip.Addr, hopLimit int, now time.Time) {
	if len(message) < echoHeader {
		return
	}
	key := echoKey{peer, binary.BigEndian.Uint16(message[6:])}
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

// answers tells whether a message replies to a request. The checksum of ICMPv6
// is the kernel's business.
func (s *pingSocket) answers(message, request []byte) bool {
	want := echoReply4
	if s.family == 1 {
		want = echoReply6
	} else if checksum(message) != 0 {
		return false
	}
	return message[0] == want && message[1] == 0 && bytes.Equal(message[4:], request[4:])
}

// echoExchange is a number of requests to one address.
type echoExchange struct {
	socket  *pingSocket
	peer    netip.Addr
	replies chan echoAnswer
	keys    []echoKey
}

// echoAnswer is the reply to one packet of an exchange.
type echoAnswer struct {
	packet   int
	rtt      time.Duration
	hopLimit int
}

// begin makes room for the replies to so many packets. It must be ended.
func (s *pingSocket) begin(peer netip.Addr, packets int) *echoExchange {
	return &echoExchange{
		socket: s, peer: peer, replies: make(chan echoAnswer, packets), keys: make([]echoKey, 0, packets),
	}
}

// end forgets the requests that nobody replied to.
func (e *echoExchange) end() {
	e.socket.mu.Lock()
	defer e.socket.mu.Unlock()
	for _, key := range e.keys {
		if e.socket.waiting[key].exchange == e {
			delete(e.socket.waiting, key)
		}
	}
}

// send sends one packet.
func (e *echoExchange) send(packet int) error {
	s := e.socket
	s.mu.Lock()
	key := echoKey{e.peer, s.next}
	for range 1 << 16 {
		if _, taken := s.waiting[key]; !taken {
			break
		}
		key.sequence++
	}
	s.next = key.sequence + 1
	message := s.message(key.sequence)
	s.waiting[key] = waiter{exchange: e, packet: packet, message: message, sent: time.Now()}
	e.keys = append(e.keys, key)
	s.mu.Unlock()
	_, err := s.conn.WriteTo(message, e.address())
	if err != nil {
		s.mu.Lock()
		delete(s.waiting, key)
		s.mu.Unlock()
	}
	return err
}

func (e *echoExchange) address() net.Addr {
	if e.socket.raw {
		return &net.IPAddr{IP: e.peer.AsSlice(), Zone: e.peer.Zone()}
	}
	return &net.UDPAddr{IP: e.peer.AsSlice(), Zone: e.peer.Zone()}
}

// The payload begins with text that tells a person who sends it, and a number
// that tells one request from all others. It has as many bytes as that of
// blackbox_exporter.
const (
	echoHeader     = 8
	echoText       = "health_exporter ping"
	defaultPayload = len(echoText) + 8
	checksumAt     = 2
	identifierAt   = 4
	sequenceAt     = 6
)

// message is an echo request in wire format.
func (s *pingSocket) message(sequence uint16) []byte {
	size := s.payload
	if size == 0 {
		size = defaultPayload
	}
	m := make([]byte, echoHeader, echoHeader+max(size, defaultPayload))
	m[0] = echoRequest4
	if s.family == 1 {
		m[0] = echoRequest6
	}
	binary.BigEndian.PutUint16(m[identifierAt:], s.id)
	binary.BigEndian.PutUint16(m[sequenceAt:], sequence)
	m = append(m, echoText...)
	m = binary.BigEndian.AppendUint64(m, rand.Uint64())
	m = m[:echoHeader+size]
	if s.family == 0 {
		binary.BigEndian.PutUint16(m[checksumAt:], checksum(m))
	}
	return m
}

// checksum is the Internet checksum of a message; 0 for one that holds its own.
func checksum(m []byte) uint16 {
	var sum uint32
	for ; len(m) > 1; m = m[2:] {
		sum += uint32(binary.BigEndian.Uint16(m))
	}
	if len(m) == 1 {
		sum += uint32(m[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
