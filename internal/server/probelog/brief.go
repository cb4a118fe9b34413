package probelog

import (
	"context"
	"fmt"
	"log/slog"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// maxLogged is how many bytes of one value are written to a log. Whoever asks for a
// probe chooses its target, and a peer its answers: neither shall fill our disk.
const maxLogged = 256

// maxKept is the same for what is remembered.
const maxKept = 4 << 10

// Brief passes on what a probe logs, with long values cut. nil stays nil.
func Brief(next slog.Handler) slog.Handler {
	if next == nil {
		return nil
	}
	return brief{next}
}

type brief struct{ next slog.Handler }

// Enabled asks the next handler.
func (b brief) Enabled(ctx context.Context, level slog.Level) bool { return b.next.Enabled(ctx, level) }

// Handle cuts what is long in the record.
func (b brief) Handle(ctx context.Context, record slog.Record) error {
	return b.next.Handle(ctx, cutRecord(record, maxLogged))
}

func cutRecord(record slog.Record, limit int) slog.Record {
	if isShort(record, limit) {
		return record.Clone()
	}
	short := slog.NewRecord(record.Time, record.Level, cut(record.Message, limit), record.PC)
	record.Attrs(func(a slog.Attr) bool {
		short.AddAttrs(cutAttr(a, limit))
		return true
	})
	return short
}

// isShort reports whether there is nothing in a record that could be too long.
func isShort(record slog.Record, limit int) bool {
	short := len(record.Message) <= limit
	record.Attrs(func(a slog.Attr) bool {
		switch a.Value.Kind() {
		case slog.KindString:
			short = short && len(a.Value.String()) <= limit
		case slog.KindAny, slog.KindGroup, slog.KindLogValuer:
			short = false
		}
		return short
	})
	return short
}

// WithAttrs cuts what is long in the attributes.
func (b brief) WithAttrs(attrs []slog.Attr) slog.Handler {
	short := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		short[i] = cutAttr(a, maxLogged)
	}
	return brief{b.next.WithAttrs(short)}
}

// WithGroup passes the name on.
func (b brief) WithGroup(name string) slog.Handler { return brief{b.next.WithGroup(name)} }

func cutAttr(a slog.Attr, limit int) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString, slog.KindAny:
		if text := v.String(); len(text) > limit {
			a.Value = slog.StringValue(cut(text, limit))
		}
	case slog.KindGroup:
		group := make([]slog.Attr, 0, len(v.Group()))
		for _, each := range v.Group() {
			group = append(group, cutAttr(each, limit))
		}
		a.Value = slog.GroupValue(group...)
	}
	return a
}

func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	whole := len(text)
	if text = redact.Text(text); len(text) <= limit { // before a secret is cut in the middle, and no longer looks like one
		return text
	}
	end := limit
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes)", text[:end], whole)
}
