package prober

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// complaint is the message of a router about an echo request: that it
// cannot be delivered. Only raw sockets get them.
type complaint struct {
	text         string
	to           netip.Addr // where the request was sent to
	id, sequence uint16
}

// Parts of the packets that complaints quote.
const (
	maxIPv4Options  = 40
	minIPv4Header   = 20
	ipv6Header      = 40
	protocolICMP    = 1
	protocolICMPv6  = 58
	ipv4ProtocolAt  = 9
	ipv4TargetAt    = 16
	ipv6NextAt      = 6
	ipv6TargetAt    = 24
	ipv4WordSize    = 4
	ipv4LengthMask  = 0x0f
	ipVersionOffset = 4
)

// readComplaint reads a complaint about an echo request; other messages are none.
func readComplaint(v6 bool, message []byte) (c complaint, ok bool) {
	if len(message) < echoHeader || !v6 && checksum(message) != 0 {
		return c, false
	}
	var echo []byte
	if quoted := message[echoHeader:]; v6 {
		c.text = complaint6(message[0], message[1])
		c.to, echo = quotedEcho6(quoted)
	} else {
		c.text = complaint4(message[0], message[1])
		c.to, echo = quotedEcho4(quoted)
	}
	if c.text == "" || len(echo) < echoHeader {
		return c, false
	}
	c.id = binary.BigEndian.Uint16(echo[identifierAt:])
	c.sequence = binary.BigEndian.Uint16(echo[sequenceAt:])
	return c, true
}

// quotedEcho4 finds the echo request in a packet of IPv4.
func quotedEcho4(packet []byte) (to netip.Addr, echo []byte) {
	if len(packet) < minIPv4Header || packet[0]>>ipVersionOffset != 4 || packet[ipv4ProtocolAt] != protocolICMP {
		return to, nil
	}
	size := int(packet[0]&ipv4LengthMask) * ipv4WordSize
	if size < minIPv4Header || len(packet) < size+echoHeader || packet[size] != echoRequest4 {
		return to, nil
	}
	return netip.AddrFrom4([4]byte(packet[ipv4TargetAt:])), packet[size:]
}

// quotedEcho6 finds the echo request in a packet of IPv6. We send none with
// extension headers.
func quotedEcho6(packet []byte) (to netip.Addr, echo []byte) {
	if len(packet) < ipv6Header+echoHeader || packet[0]>>ipVersionOffset != 6 ||
		packet[ipv6NextAt] != protocolICMPv6 || packet[ipv6Header] != echoRequest6 {
		return to, nil
	}
	return netip.AddrFrom16([16]byte(packet[ipv6TargetAt:])), packet[ipv6Header:]
}

// complaint4 is the text of a message of ICMP (RFC 792, RFC 1812); empty if it
// is not a complaint.
func complaint4(kind, code byte) string {
	const unreachable, timeExceeded, parameterProblem = 3, 11, 12
	switch kind {
	case unreachable:
		switch code {
		case 0, 6:
			return "network unreachable"
		case 1, 7:
			return "host unreachable"
		case 4:
			return "packet is too big and must not be fragmented"
		case 9, 10, 13:
			return "communication is prohibited"
		}
		return fmt.Sprintf("destination unreachable, code %d", code)
	case timeExceeded:
		return hopsExceeded(code)
	case parameterProblem:
		return "packet has a parameter problem"
	}
	return ""
}

// complaint6 is the text of a message of ICMPv6 (RFC 4443).
func complaint6(kind, code byte) string {
	const unreachable, tooBig, timeExceeded, parameterProblem = 1, 2, 3, 4
	switch kind {
	case unreachable:
		switch code {
		case 0:
			return "no route to the destination"
		case 1, 5, 6:
			return "communication is prohibited"
		case 3:
			return "host unreachable"
		}
		return fmt.Sprintf("destination unreachable, code %d", code)
	case tooBig:
		return "packet is too big"
	case timeExceeded:
		return hopsExceeded(code)
	case parameterProblem:
		return "packet has a parameter problem"
	}
	return ""
}

func hopsExceeded(code byte) string {
	if code == 0 {
		return "hop limit exceeded"
	}
	return "fragments did not arrive in time"
}
