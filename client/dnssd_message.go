package client

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// Types and classes of DNS records.
const (
	typeA    = 1
	typePTR  = 12
	typeTXT  = 16
	typeAAAA = 28
	typeSRV  = 33

	classInternet  = 1
	unicastAnswers = 1 << 15 // the bit of a question's class that asks for them
)

// domain is a name in its labels, which may have dots in them.
type domain []string

// key is the name as it is compared.
func (d domain) key() string { return strings.ToLower(strings.Join(d, "\x00")) }

func (d domain) String() string { return strings.Join(d, ".") }

// below reports whether the name is one label in front of the other name.
func (d domain) below(parent domain) bool {
	return len(d) == len(parent)+1 && d[1:].key() == parent.key()
}

// record is one resource record; what is in it depends on the kind.
type record struct {
	name domain
	kind uint16
	ttl  uint32

	target  domain // of PTR and SRV
	port    uint16
	text    []string
	address netip.Addr
}

const headerSize = 12

// question is a message that asks for records of one name.
func question(name domain, kind uint16) []byte {
	m := make([]byte, headerSize, 64)
	m[5] = 1 // one question
	for _, label := range name {
		if label == "" || len(label) > 63 {
			return nil
		}
		m = append(append(m, byte(len(label))), label...)
	}
	m = append(m, 0)
	m = binary.BigEndian.AppendUint16(m, kind)
	return binary.BigEndian.AppendUint16(m, classInternet|unicastAnswers)
}

// message reads the records of an answer, one after another. Anything at all may
// have been sent.
type message struct {
	content []byte
	at      int
	left    int // records
}

// answer begins to read; ok is false for everything that is not an answer.
func answer(content []byte) (m message, ok bool) {
	const isResponse, code = 0x80, 0x0f
	if len(content) < headerSize || content[2]&isResponse == 0 || content[3]&code != 0 {
		return m, false
	}
	m = message{content: content, at: headerSize}
	count := func(i int) int { return int(binary.BigEndian.Uint16(content[i:])) }
	for range count(4) {
		_, next, ok := m.domain(m.at)
		if !ok || next+4 > len(content) {
			return m, false
		}
		m.at = next + 4
	}
	m.left = min(count(6)+count(8)+count(10), maxRecords)
	return m, true
}

// next reads one record; ok is false at the end, and where something is wrong.
func (m *message) next() (r record, ok bool) {
	if m.left == 0 {
		return r, false
	}
	m.left--
	name, at, ok := m.domain(m.at)
	const fixed = 10
	if !ok || at+fixed > len(m.content) {
		return r, false
	}
	head := m.content[at:]
	r = record{name: name, kind: binary.BigEndian.Uint16(head), ttl: binary.BigEndian.Uint32(head[4:])}
	start := at + fixed
	m.at = start + int(binary.BigEndian.Uint16(head[8:]))
	if m.at > len(m.content) {
		return r, false
	}
	return r, m.body(&r, start, m.at)
}

func (m *message) body(r *record, start, end int) (ok bool) {
	content := m.content[start:end]
	var next int
	switch r.kind {
	case typePTR:
		r.target, next, ok = m.domain(start)
		return ok && next == end
	case typeSRV:
		if len(content) < 7 {
			return false
		}
		r.port = binary.BigEndian.Uint16(content[4:])
		r.target, next, ok = m.domain(start + 6)
		return ok && next == end
	case typeTXT:
		for len(content) > 0 {
			n := int(content[0])
			if n >= len(content) {
				return false
			}
			if len(r.text) < maxTexts {
				r.text = append(r.text, string(content[1:1+n]))
			}
			content = content[1+n:]
		}
	case typeA, typeAAAA:
		want := 4
		if r.kind == typeAAAA {
			want = 16
		}
		addr, ok := netip.AddrFromSlice(content)
		r.address = addr.Unmap()
		return ok && len(content) == want
	}
	return true
}

// domain reads a name, which may go on further ahead in the message.
func (m *message) domain(at int) (name domain, next int, ok bool) {
	const pointer = 0xc0
	length, lowest := 0, at
	for at < len(m.content) {
		n := int(m.content[at])
		switch {
		case n == 0:
			if next == 0 {
				next = at + 1
			}
			return name, next, true
		case n&pointer == pointer && at+1 < len(m.content):
			to := n&^pointer<<8 | int(m.content[at+1])
			if to >= lowest || to < headerSize { // forward, or in circles
				return nil, 0, false
			}
			if next == 0 {
				next = at + 2
			}
			at, lowest = to, to
		case n&pointer != 0 || at+1+n > len(m.content) || length+n+1 > 254:
			return nil, 0, false
		default:
			name = append(name, string(m.content[at+1:at+1+n]))
			length += n + 1
			at += n + 1
		}
	}
	return nil, 0, false
}
