package schedule

import (
	"bytes"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// history is the log of a target's last probes. The figures of HistoryLimit probes are
// packed, without anything for the garbage collector to follow; texts are kept for the
// last few only.
type history struct {
	packed
	notes  []note
	number uint64 // of the newest record
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
	h.number++
	h.packed.add(newRecord(res, state))
	h.annotate(res)
}

// failedLast reports whether the newest probe did not pass.
func (h *history) failedLast() bool { return h.count > 0 && h.lastOutcome != health.Pass }

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
	n := note{h.number, res.Error, response, res.Steps}
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
	records := h.list(limit)
	list := make([]Entry, 0, len(records))
	noteAt := len(h.notes) - 1
	for i := range slices.Backward(records) {
		e := records[i].entry()
		if noteAt >= 0 && h.notes[noteAt].number == h.number-uint64(len(list)) {
			e.Error, e.Response, e.Steps = h.notes[noteAt].err, h.notes[noteAt].response, h.notes[noteAt].steps
			noteAt--
		}
		list = append(list, e)
	}
	return list
}

// latencies are those of up to limit probes, oldest first.
func (h *history) latencies(limit int) []time.Duration {
	records := h.list(limit)
	list := make([]time.Duration, len(records))
	for i := range records {
		list[i] = time.Duration(records[i].micros) * time.Microsecond
	}
	return list
}
