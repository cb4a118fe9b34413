package prober

import (
	"net"
	"net/netip"
	"time"
)

// echoExchange is a number of requests to one address.
type echoExchange struct {
	socket  *pingSocket
	peer    netip.Addr
	replies chan echoAnswer
	keys    []echoKey

	complaint string // guarded by the socket's mu
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

// end forgets the requests without a reply, and returns what was said about
// them.
func (e *echoExchange) end() (complaint string) {
	e.socket.mu.Lock()
	defer e.socket.mu.Unlock()
	for _, key := range e.keys {
		if e.socket.waiting[key].exchange == e {
			delete(e.socket.waiting, key)
		}
	}
	return e.complaint
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
