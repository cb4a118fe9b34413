package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// A timeline is stored in chunks of so many marks, by their numbers, so that a change
// rewrites little however long the history is.
const chunkSize = 256

// maxMilli is the latest moment that is ever stored, either way from 1970.
const maxMilli = math.MaxInt64 / 2 / int64(time.Millisecond)

// encodeChunk is the form on disk of some marks of one chunk, the first of which has the
// place skip in it: skip, how many, the first moment, and for each the time since the
// one before and the state. It is 4 or 5 bytes for a mark.
func encodeChunk(skip int, marks []mark) []byte {
	body := make([]byte, 0, 12+5*len(marks))
	body = binary.AppendUvarint(body, uint64(skip))
	body = binary.AppendUvarint(body, uint64(len(marks)))
	for i, m := range marks {
		if i == 0 {
			body = binary.AppendVarint(body, m.milli())
		} else {
			body = binary.AppendUvarint(body, uint64(m.milli()-marks[i-1].milli()))
		}
		body = append(body, byte(m.state()))
	}
	return body
}

// decodeChunk reads what encodeChunk wrote.
func decodeChunk(body []byte) (skip int, marks []mark, err error) {
	r := reader{body: body}
	before, count := r.uvarint(), r.uvarint()
	switch {
	case r.failed:
		return 0, nil, errShort
	case count < 1 || before >= chunkSize || count > chunkSize-before:
		return 0, nil, fmt.Errorf("%d marks after %d: a chunk has %d", count, before, chunkSize)
	}
	marks = make([]mark, count)
	for i := range marks {
		var milli int64
		if i == 0 {
			milli = r.varint()
		} else if since := r.uvarint(); since > 0 && since <= 2*uint64(maxMilli) {
			milli = marks[i-1].milli() + int64(since)
		} else {
			return 0, nil, errOrder
		}
		state := State(r.byte())
		if r.failed {
			return 0, nil, errShort
		}
		if milli < -maxMilli || milli > maxMilli {
			return 0, nil, fmt.Errorf("the moment %d ms is out of range", milli)
		}
		if err := state.check(); err != nil {
			return 0, nil, err
		}
		marks[i] = newMark(milli, state)
	}
	if len(r.body) > 0 {
		return 0, nil, fmt.Errorf("%d bytes too many", len(r.body))
	}
	return int(before), marks, nil
}

var (
	errShort = errors.New("it ends early")
	errOrder = errors.New("moments are not in order")
	errKey   = errors.New("it has a foreign key")
)

// reader takes numbers off a body. After a failure it gives zeros.
type reader struct {
	body   []byte
	failed bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.body)
	r.skip(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.body)
	r.skip(n)
	return v
}

func (r *reader) byte() byte {
	if len(r.body) == 0 {
		r.failed = true
		return 0
	}
	b := r.body[0]
	r.body = r.body[1:]
	return b
}

func (r *reader) skip(n int) {
	if n <= 0 {
		r.failed, r.body = true, nil
		return
	}
	r.body = r.body[n:]
}

// chunkKey is the key of a chunk: subject NUL number, so that those of a subject lie
// side by side in order.
func chunkKey(subject string, chunk uint32) string {
	return string(binary.BigEndian.AppendUint32(append([]byte(subject), 0), chunk))
}

func parseChunkKey(key []byte) (subject string, chunk uint32, err error) {
	n := len(key) - 5
	if n < 0 || key[n] != 0 {
		return "", 0, errKey
	}
	return string(key[:n]), binary.BigEndian.Uint32(key[n+1:]), nil
}
