package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// probeRecord is an ad-hoc probe as it is remembered. It is rendered only when
// somebody reads it.
type probeRecord struct {
	id             uint64
	module, target string
	result         prober.Result
	samples        []prober.Sample
	log            []slog.Record
	moduleText     func() string
}

func (p *probeRecord) failed() bool { return p.result.Outcome == health.Fail }

// write renders the record in three parts: log, metrics, module.
func (p *probeRecord) write(w io.Writer) error {
	var page bytes.Buffer
	page.WriteString("Logs for the probe:\n")
	lines := redact.Log(slog.NewTextHandler(&page, &slog.HandlerOptions{Level: slog.LevelDebug})).
		WithAttrs([]slog.Attr{slog.String("module", p.module), slog.String("target", p.target)})
	for _, record := range p.log {
		if err := lines.Handle(context.Background(), record); err != nil {
			return err
		}
	}
	page.WriteString("\n\n\nMetrics that would have been returned:\n")
	if err := collector.WriteSamples(&page, p.samples); err != nil {
		return err
	}
	fmt.Fprintf(&page, "\n\n\nModule configuration:\n%s\n", p.moduleText())
	_, err := w.Write(page.Bytes())
	return err
}

// probeLog remembers the last ad-hoc probes, and as many of the failed ones that
// others have pushed out.
type probeLog struct {
	mu     sync.Mutex // protects all following fields
	limit  int
	next   uint64
	recent []*probeRecord // oldest first
	failed []*probeRecord
}

func (l *probeLog) add(p *probeRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.id = l.next
	l.next++
	if l.limit <= 0 {
		return
	}
	if len(l.recent) == l.limit {
		if l.recent[0].failed() {
			l.failed = keepLast(append(l.failed, l.recent[0]), l.limit)
		}
		l.recent = keepLast(l.recent, l.limit-1)
	}
	l.recent = append(l.recent, p)
}

// keepLast drops the oldest. It moves nothing until half of the slice is dead,
// and lets go of what it drops.
func keepLast(list []*probeRecord, n int) []*probeRecord {
	for len(list) > n {
		list[0] = nil
		list = list[1:]
	}
	return list
}

// list returns all records, newest first.
func (l *probeLog) list() []*probeRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*probeRecord, 0, len(l.recent)+len(l.failed))
	for i := len(l.recent) - 1; i >= 0; i-- {
		all = append(all, l.recent[i])
	}
	for i := len(l.failed) - 1; i >= 0; i-- {
		all = append(all, l.failed[i])
	}
	return all
}

func (l *probeLog) byID(id uint64) *probeRecord {
	for _, p := range l.list() {
		if p.id == id {
			return p
		}
	}
	return nil
}

// byTarget returns the newest record of a target, and of a module if one is named.
func (l *probeLog) byTarget(target, module string) *probeRecord {
	for _, p := range l.list() {
		if p.target == target && (module == "" || p.module == module) {
			return p
		}
	}
	return nil
}

// maxLogRecords bounds what one probe may log.
const maxLogRecords = 200

// recorder is a log handler that keeps what a probe logs, and passes on what the
// operator wants to see at once.
type recorder struct {
	mu      *sync.Mutex // protects *records
	records *[]slog.Record
	attrs   []slog.Attr
	next    slog.Handler // nil for none
}

func newRecorder(next slog.Handler) *recorder {
	return &recorder{mu: new(sync.Mutex), records: new([]slog.Record), next: next}
}

func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }

func (r *recorder) Handle(ctx context.Context, record slog.Record) error {
	if r.next != nil && r.next.Enabled(ctx, record.Level) {
		if err := r.next.Handle(ctx, record); err != nil {
			return err
		}
	}
	record.AddAttrs(r.attrs...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(*r.records) < maxLogRecords {
		*r.records = append(*r.records, record)
	}
	return nil
}

func (r *recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *r
	next.attrs = append(next.attrs[:len(next.attrs):len(next.attrs)], attrs...)
	if next.next != nil {
		next.next = next.next.WithAttrs(attrs)
	}
	return &next
}

// WithGroup is never used by probes; the names of a group are left away.
func (r *recorder) WithGroup(string) slog.Handler { return r }

func (r *recorder) taken() []slog.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return *r.records
}
