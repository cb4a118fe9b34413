package schedule

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// record has the figures of one probe.
type record struct {
	unixMicro int64
	micros    uint32
	code      uint16
	outcome   health.Outcome
	state     health.Verdict
	reason    uint8 // index into Reasons plus one
}

// packed has the last records, HistoryLimit at most, in some six bytes each: with very
// many targets they are more than all else that is known of them. A probe follows the
// one before after nearly the same time and has nearly always the same status code, so
// that only the differences are written:
//
//	outcome, state, reason (a byte) duration time code
//
// The time is that from the record before, less what that was for the record before.
type packed struct {
	bytes       []byte // records, the oldest first
	before      moment // what the oldest record follows
	last        moment // the newest
	beforeCode  uint16
	lastCode    uint16
	lastOutcome health.Outcome
	count       uint8
}

// moment is what differences are taken from, and how long it was after the one before.
type moment struct{ unixMicro, step int64 }

// longestRecord is how long one may be.
const longestRecord = 1 + binary.MaxVarintLen32 + binary.MaxVarintLen64 + binary.MaxVarintLen16

func newRecord(res *prober.Result, state health.Verdict) record {
	return record{
		unixMicro: res.Start.UnixMicro(),
		micros:    uint32(min(res.Duration.Microseconds(), 1<<32-1)),
		code:      uint16(res.StatusCode),
		outcome:   res.Outcome,
		state:     state,
		reason:    uint8(slices.Index(prober.Reasons(), res.Reason) + 1),
	}
}

func (r *record) entry() Entry {
	e := Entry{
		Time: time.UnixMicro(r.unixMicro), Latency: time.Duration(r.micros) * time.Microsecond,
		StatusCode: int(r.code), Outcome: r.outcome, State: r.state,
	}
	if r.reason > 0 {
		e.Reason = prober.Reasons()[r.reason-1]
	}
	return e
}

// add appends a record, and drops the oldest if there are enough.
func (p *packed) add(r record) {
	if p.count == HistoryLimit {
		first, rest, at := next(p.bytes, p.before, p.beforeCode)
		p.bytes, p.before, p.beforeCode = p.bytes[:copy(p.bytes, rest)], at, first.code
		p.count--
	}
	if p.count == 0 {
		p.before, p.beforeCode = moment{unixMicro: r.unixMicro}, r.code
		p.last, p.lastCode = p.before, p.beforeCode
	}
	step := r.unixMicro - p.last.unixMicro
	p.grow()
	p.bytes = append(p.bytes, byte(r.outcome)&3|byte(r.state)&3<<2|r.reason<<4)
	p.bytes = binary.AppendUvarint(p.bytes, uint64(r.micros))
	p.bytes = binary.AppendVarint(p.bytes, step-p.last.step)
	p.bytes = binary.AppendUvarint(p.bytes, uint64(r.code^p.lastCode))
	p.last, p.lastCode, p.lastOutcome = moment{r.unixMicro, step}, r.code, r.outcome
	p.count++
}

// grow makes room for one more, and for little more than there is: each target has a
// history.
func (p *packed) grow() {
	if n := len(p.bytes); cap(p.bytes)-n < longestRecord {
		p.bytes = append(make([]byte, 0, n+n/8+2*longestRecord), p.bytes...)
	}
}

// next takes a record off the bytes, which follows the one before.
func next(from []byte, before moment, beforeCode uint16) (r record, rest []byte, at moment) {
	r.outcome, r.state, r.reason = health.Outcome(from[0]&3), health.Verdict(from[0]>>2&3), from[0]>>4
	from = from[1:]
	micros, n := binary.Uvarint(from)
	from = from[n:]
	more, n := binary.Varint(from)
	from = from[n:]
	code, n := binary.Uvarint(from)
	at.step = before.step + more
	at.unixMicro = before.unixMicro + at.step
	r.micros, r.unixMicro, r.code = uint32(micros), at.unixMicro, beforeCode^uint16(code)
	return r, from[n:], at
}

// list is up to limit of them, the newest, oldest first.
func (p *packed) list(limit int) []record {
	count := int(p.count)
	skip := count - max(min(limit, count), 0)
	records := make([]record, 0, count-skip)
	rest, at, r := p.bytes, p.before, record{code: p.beforeCode}
	for i := range count {
		if r, rest, at = next(rest, at, r.code); i >= skip {
			records = append(records, r)
		}
	}
	return records
}
