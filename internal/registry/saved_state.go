package registry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// Saved states are written every second and, with their transitions, would be
// most of the file as JSON and most of the time it takes to start. So they are
// binary: numbers as varints, a time as seconds and nanoseconds, a text after its
// length.
//
//	version(1) verdict failures successes passes since lastHealthy place
//	count { time from to reason }…
//
// The state of a check that waits for beats has version 2, and at its end
//
//	awaited beat
const (
	savedVersion          = 1
	savedVersionWithBeats = 2
)

func encodeSaved(s *schedule.Saved) []byte {
	b := make([]byte, 0, 64+32*len(s.Transitions))
	version := byte(savedVersion)
	if !s.Awaited.IsZero() || !s.Beat.IsZero() {
		version = savedVersionWithBeats
	}
	b = append(b, version, byte(s.State.Verdict))
	b = binary.AppendUvarint(b, uint64(s.State.Failures))
	b = binary.AppendUvarint(b, uint64(s.State.Successes))
	b = binary.AppendUvarint(b, uint64(s.State.Passes))
	b = appendTime(b, s.Since)
	b = appendTime(b, s.LastHealthy)
	b = appendText(b, s.Place)
	b = binary.AppendUvarint(b, uint64(len(s.Transitions)))
	for _, t := range s.Transitions {
		b = appendTime(b, t.Time)
		b = append(b, byte(t.From), byte(t.To))
		b = appendText(b, t.Reason)
	}
	if version == savedVersionWithBeats {
		b = appendTime(appendTime(b, s.Awaited), s.Beat)
	}
	return b
}

func decodeSaved(body []byte) (*schedule.Saved, error) {
	r := reader{rest: body}
	version := r.byte()
	if r.err == nil && version != savedVersion && version != savedVersionWithBeats {
		return nil, fmt.Errorf("state of unknown version %d", version)
	}
	s := &schedule.Saved{}
	s.State.Verdict = r.verdict()
	s.State.Failures, s.State.Successes, s.State.Passes = r.uint32(), r.uint32(), r.uint32()
	s.Since, s.LastHealthy = r.time(), r.time()
	s.Place = r.text()
	// A transition takes 5 bytes at least, so a wild count cannot ask for much.
	if n := r.uvarint(); n > uint64(len(r.rest)/5) {
		r.fail()
	} else if n > 0 {
		s.Transitions = make([]schedule.Transition, n)
	}
	for i := range s.Transitions {
		s.Transitions[i] = schedule.Transition{Time: r.time(), From: r.verdict(), To: r.verdict(), Reason: r.text()}
	}
	if version == savedVersionWithBeats {
		s.Awaited, s.Beat = r.time(), r.time()
	}
	if len(r.rest) > 0 {
		r.fail()
	}
	if r.err != nil {
		return nil, r.err
	}
	return s, nil
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, t.Unix()), uint64(t.Nanosecond()))
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

var errMalformed = errors.New("malformed state")

// reader reads what the append functions wrote. After an error it returns zeros.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail() { r.rest, r.err = nil, errMalformed }

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) verdict() health.Verdict {
	v := health.Verdict(r.byte())
	if v > health.Unhealthy {
		r.fail()
	}
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) uint32() uint32 {
	v := r.uvarint()
	if v > 1<<32-1 {
		r.fail()
	}
	return uint32(v)
}

func (r *reader) time() time.Time {
	sec, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail()
		return time.Time{}
	}
	r.rest = r.rest[n:]
	nsec := r.uvarint()
	if nsec >= 1e9 {
		r.fail()
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	text := string(r.rest[:n])
	r.rest = r.rest[n:]
	return text
}
