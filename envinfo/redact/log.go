package redact

import (
	"context"
	"log/slog"
)

// Log is a handler that passes records on to next without secrets: the
// message and all texts and errors go through Text, attributes whose keys
// Name knows are masked, groups and structured values are looked through.
// Numbers, times and durations stay what they are.
func Log(next slog.Handler) slog.Handler { return &logHandler{next} }

type logHandler struct{ next slog.Handler }

func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	cleaned := slog.NewRecord(r.Time, r.Level, Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		cleaned.AddAttrs(redactAttr(a, maxDepth))
		return true
	})
	return h.next.Handle(ctx, cleaned)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.next.WithAttrs(redactAttrs(attrs, maxDepth))}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.next.WithGroup(Text(name))}
}

func redactAttrs(attrs []slog.Attr, depth int) []slog.Attr {
	cleaned := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		cleaned[i] = redactAttr(a, depth)
	}
	return cleaned
}

func redactAttr(a slog.Attr, depth int) slog.Attr {
	value := a.Value.Resolve()
	if depth == 0 || Name(a.Key) && value.Kind() != slog.KindBool {
		return slog.String(Text(a.Key), Mask)
	}
	a = slog.Attr{Key: Text(a.Key), Value: value}
	switch value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(Text(value.String()))
	case slog.KindGroup:
		a.Value = slog.GroupValue(redactAttrs(value.Group(), depth-1)...)
	case slog.KindAny:
		if v := value.Any(); v != nil {
			a.Value = redactAny(v)
		}
	}
	return a
}

// redactAny leaves alone what slog's own handlers know to print.
func redactAny(value any) slog.Value {
	switch v := value.(type) {
	case slog.Level, *slog.Source:
		return slog.AnyValue(v)
	case []byte:
		return slog.StringValue(Text(string(v)))
	}
	return slog.AnyValue(redactValue(value, maxDepth))
}
