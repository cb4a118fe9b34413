package schedule

import (
	"bytes"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// history is the log of a target's last probes. The figures of HistoryLimit
// probes are packed without pointers (16 bytes each, nothing for the garbage
// collector to follow); texts are kept for the last few only.
type history struct {
	records []record // a ring once it is full
	start   int
	notes   []note
	last    uint64 // number of the newest record
}

type record struct {
	unixNano int64
	micros   uint32
	code     uint16
	outcome  health.Outcome
	// stateReason has the health.Verdict in its upper four bits, and in the lower ones the
	// index into Reasons plus one.
	stateReason uint8
}

func (r record) state() health.Verdict { return health.Verdict(r.stateReason >> 4) }

func (r record) reason() prober.Reason {
	if i := r.stateReason & 15; i > 0 {
		return prober.Reasons()[i-1]
	}
	return ""
}

type note struct {
	number   uint64
	err      string
	response []byte
	steps    string // of the newest only
}

const (
	maxNotes = 16
	// maxNoteResponse bounds a response kept in the log; the newest one is in
	// Status whatever its size.
	maxNoteResponse = 4 << 10
)

func (h *history) add(res *prober.Result, state health.Verdict) {
	h.last++
	r := record{
		unixNano:    res.Start.UnixNano(),
		micros:      uint32(min(res.Duration.Microseconds(), 1<<32-1)),
		code:        uint16(res.StatusCode),
		outcome:     res.Outcome,
		stateReason: uint8(state)<<4 | uint8(slices.Index(prober.Reasons(), res.Reason)+1),
	}
	if len(h.records) < HistoryLimit {
		h.grow()
		h.records = append(h.records, r)
	} else {
		h.records[h.start] = r
		h.start = (h.start + 1) % HistoryLimit
	}
	h.annotate(res)
}

// grow makes room for one more, and never for more than there can be: each target has a
// history.
func (h *history) grow() {
	if n := len(h.records); n == cap(h.records) {
		h.records = append(make([]record, 0, min(max(4, 2*n), HistoryLimit)), h.records...)
	}
}

// failedLast reports whether the newest probe did not pass.
func (h *history) failedLast() bool {
	if len(h.records) == 0 {
		return false
	}
	return h.records[(h.start+len(h.records)-1)%len(h.records)].outcome != health.Pass
}

func (h *history) annotate(res *prober.Result) {
	response := res.Response
	if len(response) > maxNoteResponse {
		response = nil
	}
	if len(h.notes) > 0 {
		h.notes[len(h.notes)-1].steps = ""
	}
	if res.Error == "" && response == nil && res.Steps == "" {
		return
	}
	n := note{h.last, res.Error, response, res.Steps}
	if len(h.notes) > 0 { // the same texts again cost nothing
		prev := &h.notes[len(h.notes)-1]
		if prev.err == n.err {
			n.err = prev.err
		}
		if bytes.Equal(prev.response, n.response) {
			n.response = prev.response
		}
	}
	if len(h.notes) == maxNotes {
		h.notes = slices.Delete(h.notes, 0, 1)
	}
	h.notes = append(h.notes, n)
}

// entries lists up to limit entries, newest first.
func (h *history) entries(limit int) []Entry {
	limit = min(limit, len(h.records))
	list := make([]Entry, 0, max(limit, 0))
	noteAt := len(h.notes) - 1
	for i := range limit {
		r := h.records[(h.start+len(h.records)-1-i)%len(h.records)]
		e := Entry{
			Time: time.Unix(0, r.unixNano), Latency: time.Duration(r.micros) * time.Microsecond,
			StatusCode: int(r.code), Outcome: r.outcome, State: r.state(), Reason: r.reason(),
		}
		if noteAt >= 0 && h.notes[noteAt].number == h.last-uint64(i) {
			e.Error, e.Response, e.Steps = h.notes[noteAt].err, h.notes[noteAt].response, h.notes[noteAt].steps
			noteAt--
		}
		list = append(list, e)
	}
	return list
}

// latencies are those of up to limit probes, oldest first.
func (h *history) latencies(limit int) []time.Duration {
	n := max(min(limit, len(h.records)), 0)
	list := make([]time.Duration, n)
	for i := range list {
		r := &h.records[(h.start+len(h.records)-n+i)%len(h.records)]
		list[i] = time.Duration(r.micros) * time.Microsecond
	}
	return list
}
