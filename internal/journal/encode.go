package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/durable"
)

// An event is stored under its number, as
//
//	version(1) what kind verdicts(1) time name reason
//
// and of Removed and Gone at the end
//
//	place group email since lastHealthy
//
// where numbers are varints, a time is seconds and nanoseconds, and a text comes after
// its length. What and kind are one byte if they are known words, or 0 and a text.
// Verdicts are from and to, four bits each.
const (
	version = 1
	// versionAfterHole is that of an event before which others are missing. So a hole that
	// is known can be told from one that the disk has made since.
	versionAfterHole = 2
)

var kinds = [...]string{Target, Check}

func keyOf(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// seqOf is the number that a key stands for; 0 if it is none.
func seqOf(key []byte) uint64 {
	if len(key) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key)
}

// place is over what, besides its body, an event is sealed.
func place(seq uint64) string { return bucketName + "\x00" + string(keyOf(seq)) }

// encode is the stored form of an event, sealed.
func encode(e *Event, afterHole bool) []byte {
	b := make([]byte, 0, 32+len(e.Name)+len(e.Reason))
	if afterHole {
		b = append(b, versionAfterHole)
	} else {
		b = append(b, version)
	}
	b = appendWord(b, e.What, known[:])
	b = appendWord(b, e.Kind, kinds[:])
	b = append(b, byte(e.From)<<4|byte(e.To)&0xf)
	b = appendTime(b, e.Time)
	b = appendText(b, e.Name)
	b = appendText(b, e.Reason)
	if e.What.leaves() {
		b = appendText(appendText(appendText(b, e.Place), e.Group), e.Email)
		b = appendTime(appendTime(b, e.Since), e.LastHealthy)
	}
	return durable.Seal(place(e.Seq), b)
}

func appendWord[T ~string](b []byte, word T, known []T) []byte {
	for i, each := range known {
		if each == word {
			return append(b, byte(i+1))
		}
	}
	return appendText(append(b, 0), string(word))
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, t.Unix()), uint64(t.Nanosecond()))
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// raw is an event whose texts lie within what was read.
type raw struct {
	afterHole          bool
	what, kind         []byte // nil if known
	whatCode, kindCode byte
	from, to           health.Verdict
	at                 moment
	name, reason       []byte

	place, group, email []byte // of events that have Was, as are the following
	since, lastHealthy  moment
}

// moment is a time as it is stored.
type moment struct {
	sec  int64
	nsec uint64
}

func (m moment) time() time.Time { return time.Unix(m.sec, int64(m.nsec)).UTC() }

var errMalformed = errors.New("malformed event")

// parse reads a stored value, and trusts nothing in it. It needs no memory, so that all
// events can be looked at.
func parse(seq uint64, value []byte) (r raw, err error) {
	body, err := durable.Unseal(place(seq), value)
	if err != nil {
		return raw{}, err
	}
	return parseBody(body)
}

func parseBody(body []byte) (r raw, err error) {
	in := reader{rest: body}
	switch v := in.byte(); v {
	case version:
	case versionAfterHole:
		r.afterHole = true
	default:
		return raw{}, fmt.Errorf("event of unknown version %d", v)
	}
	r.whatCode, r.what = in.word(len(known))
	r.kindCode, r.kind = in.word(len(kinds))
	verdicts := in.byte()
	r.from, r.to = health.Verdict(verdicts>>4), health.Verdict(verdicts&0xf)
	r.at = in.moment()
	r.name, r.reason = in.text(), in.text()
	if r.whatCode > 0 && known[r.whatCode-1].leaves() {
		r.place, r.group, r.email = in.text(), in.text(), in.text()
		r.since, r.lastHealthy = in.moment(), in.moment()
	}
	if in.failed || len(in.rest) > 0 || r.from > health.Unhealthy || r.to > health.Unhealthy {
		return raw{}, errMalformed
	}
	return r, nil
}

// event is the event itself, which needs nothing of what was read any more.
func (r *raw) event(seq uint64) Event {
	e := Event{Seq: seq, Time: r.at.time(), From: r.from, To: r.to, Name: string(r.name), Reason: string(r.reason)}
	if e.What = What(r.what); r.whatCode > 0 {
		e.What = known[r.whatCode-1]
	}
	if e.What.leaves() {
		e.Was = Was{
			Place: string(r.place), Group: string(r.group), Email: string(r.email), Since: r.since.time(), LastHealthy: r.lastHealthy.time(),
		}
	}
	if e.Kind = string(r.kind); r.kindCode > 0 {
		e.Kind = kinds[r.kindCode-1]
	}
	return e
}

// reader takes values off a body. After a failure it gives zeros.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.rest, r.failed = nil, true
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		n = -1
	}
	r.take(n)
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		n = -1
	}
	r.take(n)
	return v
}

func (r *reader) moment() moment {
	m := moment{r.varint(), r.uvarint()}
	if m.nsec >= 1e9 {
		r.take(-1)
		return moment{}
	}
	return m
}

func (r *reader) text() []byte {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		n = uint64(len(r.rest)) + 1
	}
	return r.take(int(n))
}

// word reads what appendWord wrote: a code, or if that is 0 a text.
func (r *reader) word(codes int) (code byte, text []byte) {
	if code = r.byte(); code == 0 {
		return 0, r.text()
	}
	if int(code) > codes {
		r.take(-1)
		return 0, nil
	}
	return code, nil
}
