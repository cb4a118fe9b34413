package prober

import (
	"context"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// scrubbed is the result without the secrets of the module.
func (m *Module) scrubbed(res Result) Result {
	if m.secrets != nil {
		m.secrets.reread() // they may have changed just before they were used
	}
	res.Error = visible(res.Error)
	m.scrubReport(res.Report)
	if m.secrets != nil {
		res.Error = m.secrets.Replace(res.Error)
		for i := range res.Samples { // labels may be what a peer said
			labels := res.Samples[i].Labels
			for j := range labels {
				labels[j].Value = m.scrubLabel(labels[j].Value)
			}
		}
		if res.Response != nil {
			if clean := m.secrets.Replace(string(res.Response)); clean != string(res.Response) {
				res.Response = []byte(clean)
			}
		}
	}
	return res
}

// scrubLabel also hides what is left of a secret where a label is cut off.
func (m *Module) scrubLabel(value string) string {
	if utf8.RuneCountInString(value) < maxPeerLabel {
		return m.secrets.Replace(value)
	}
	return strings.TrimSuffix(m.secrets.Replace(value+"…"), "…")
}

// scrubbing is the log without the secrets of the module.
func (m *Module) scrubbing(log *slog.Logger) *slog.Logger {
	if m.secrets == nil || log == nil {
		return log
	}
	m.secrets.reread()
	return slog.New(&scrubber{log.Handler(), m.secrets})
}

// scrubber is a log handler that hides the secrets of a module in all texts.
type scrubber struct {
	next    slog.Handler
	secrets *secrets
}

func (s *scrubber) Enabled(ctx context.Context, level slog.Level) bool {
	return s.next.Enabled(ctx, level)
}

func (s *scrubber) Handle(ctx context.Context, record slog.Record) error {
	clean := slog.NewRecord(record.Time, record.Level, s.secrets.Replace(record.Message), record.PC)
	record.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(s.attr(a))
		return true
	})
	return s.next.Handle(ctx, clean)
}

func (s *scrubber) attr(a slog.Attr) slog.Attr {
	switch value := a.Value.Resolve(); value.Kind() {
	case slog.KindString, slog.KindAny:
		return slog.String(a.Key, s.secrets.Replace(value.String()))
	}
	return a
}

func (s *scrubber) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = s.attr(a)
	}
	return &scrubber{s.next.WithAttrs(clean), s.secrets}
}

func (s *scrubber) WithGroup(name string) slog.Handler {
	return &scrubber{s.next.WithGroup(name), s.secrets}
}
