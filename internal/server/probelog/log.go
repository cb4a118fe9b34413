// Package probelog remembers the last ad-hoc probes, and what they logged.
package probelog

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// Record is an ad-hoc probe as it is remembered. It is rendered only when somebody reads
// it.
type Record struct {
	// ID is given by Log.Add.
	ID             uint64
	Module, Target string
	Result         prober.Result
	Samples        []prober.Sample
	// Lines are what the probe logged.
	Lines []slog.Record
	// ModuleText is the module as it was.
	ModuleText func() string
}

// Failed reports whether the probe did.
func (p *Record) Failed() bool { return p.Result.Outcome == health.Fail }

// Write renders the record in three parts: log, metrics, module.
func (p *Record) Write(w io.Writer) error {
	var page bytes.Buffer
	page.WriteString("Logs for the probe:\n")
	lines := redact.Log(slog.NewTextHandler(&page, &slog.HandlerOptions{Level: slog.LevelDebug})).
		WithAttrs([]slog.Attr{slog.String("module", p.Module), slog.String("target", prober.ShownPlace(p.Target))})
	for _, record := range p.Lines {
		if err := lines.Handle(context.Background(), record); err != nil {
			return err
		}
	}
	page.WriteString("\n\n\nMetrics that would have been returned:\n")
	if err := collector.WriteSamples(&page, p.Samples); err != nil {
		return err
	}
	fmt.Fprintf(&page, "\n\n\nModule configuration:\n%s\n", p.ModuleText())
	_, err := w.Write(page.Bytes())
	return err
}

// Log remembers the last ad-hoc probes, and as many of the failed ones that others have
// pushed out.
type Log struct {
	// Limit is how many of each.
	Limit int

	mu     sync.Mutex // protects all following fields
	next   uint64
	recent []*Record // oldest first
	failed []*Record
}

// Add remembers a probe, and gives it its id.
func (l *Log) Add(p *Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.ID = l.next
	l.next++
	if l.Limit <= 0 {
		return
	}
	if len(l.recent) == l.Limit {
		if l.recent[0].Failed() {
			l.failed = keepLast(append(l.failed, l.recent[0]), l.Limit)
		}
		l.recent = keepLast(l.recent, l.Limit-1)
	}
	l.recent = append(l.recent, p)
}

// keepLast drops the oldest. It moves nothing until half of the slice is dead,
// and lets go of what it drops.
func keepLast(list []*Record, n int) []*Record {
	for len(list) > n {
		list[0] = nil
		list = list[1:]
	}
	return list
}

// List returns all records, newest first.
func (l *Log) List() []*Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*Record, 0, len(l.recent)+len(l.failed))
	for _, v := range slices.Backward(l.recent) {
		all = append(all, v)
	}
	for _, v := range slices.Backward(l.failed) {
		all = append(all, v)
	}
	return all
}

// ByID returns the record of an id; nil if there is none.
func (l *Log) ByID(id uint64) *Record {
	for _, p := range l.List() {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// ByTarget returns the newest record of a target, and of a module if one is named.
func (l *Log) ByTarget(target, module string) *Record {
	for _, p := range l.List() {
		if p.Target == target && (module == "" || p.Module == module) {
			return p
		}
	}
	return nil
}
