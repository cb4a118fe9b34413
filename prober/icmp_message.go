package prober

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"

	"golang.org/x/net/ipv4"
)

// Types of messages.
const (
	echoReply4, echoRequest4 = byte(ipv4.ICMPTypeEchoReply), byte(ipv4.ICMPTypeEcho)
	echoRequest6, echoReply6 = byte(128), byte(129)
)

func (s *pingSocket) replyType() byte {
	if s.family == 1 {
		return echoReply6
	}
	return echoReply4
}

// answers reports whether a message replies to a request. The checksum of ICMPv6
// is checked by the kernel.
func (s *pingSocket) answers(message, request []byte) bool {
	if s.family == 0 && checksum(message) != 0 {
		return false
	}
	return message[0] == s.replyType() && message[1] == 0 && bytes.Equal(message[identifierAt:], request[identifierAt:])
}

// The payload begins with text that tells a person who sends it, and a number
// that distinguishes one request from all others. It has as many bytes as that of
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
