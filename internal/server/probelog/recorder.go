package probelog

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

// maxLogRecords bounds what one probe may log.
const maxLogRecords = 200

// Recorder is a log handler that keeps what a probe logs, and passes on what the
// operator wants to see at once.
type Recorder struct {
	kept  *kept
	attrs []slog.Attr
	next  slog.Handler // nil for none
}

// kept is what a Recorder and those made of it have in common.
type kept struct {
	mu      sync.Mutex
	records []slog.Record // guarded by mu
}

// NewRecorder passes on what next wants; nil wants nothing.
func NewRecorder(next slog.Handler) *Recorder {
	return &Recorder{kept: &kept{records: make([]slog.Record, 0, 2)}, next: next} // no probe logs less
}

// Enabled takes everything.
func (r *Recorder) Enabled(context.Context, slog.Level) bool { return true }

// Handle keeps a record, and passes it on.
func (r *Recorder) Handle(ctx context.Context, record slog.Record) error {
	if r.next != nil && r.next.Enabled(ctx, record.Level) {
		if err := r.next.Handle(ctx, record); err != nil {
			return err
		}
	}
	record = cutRecord(record, maxKept)
	record.AddAttrs(r.attrs...)
	r.kept.mu.Lock()
	defer r.kept.mu.Unlock()
	if len(r.kept.records) < maxLogRecords {
		r.kept.records = append(r.kept.records, record)
	}
	return nil
}

// WithAttrs adds attributes to what is logged from now on.
func (r *Recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *r
	next.attrs = append(slices.Clip(next.attrs), attrs...)
	if next.next != nil {
		next.next = next.next.WithAttrs(attrs)
	}
	return &next
}

// WithGroup is never used by probes; the names of a group are omitted.
func (r *Recorder) WithGroup(string) slog.Handler { return r }

// Taken is what was logged.
func (r *Recorder) Taken() []slog.Record {
	r.kept.mu.Lock()
	defer r.kept.mu.Unlock()
	return r.kept.records
}
