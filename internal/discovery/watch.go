package discovery

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// repeatAfter is how often the same failure is logged.
const repeatAfter = time.Hour

// maxRemembered bounds how many failures are remembered.
const maxRemembered = 1000

// failures counts what a mechanism logs as errors: for most that can go wrong, its log
// is the only place where Prometheus' code tells.
type failures struct {
	count atomic.Uint64

	mu   sync.Mutex           // protects all following fields
	said map[string]time.Time // when each was last logged
}

// news counts a failure and reports whether it is to be logged. One that repeats is
// logged once an hour, also if others come in between: each line may lead to the next, if
// the log is written where the mechanism watches files.
func (f *failures) news(text string, at time.Time) bool {
	f.count.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if said, ok := f.said[text]; ok && at.Sub(said) < repeatAfter {
		return false
	}
	if f.said == nil {
		f.said = map[string]time.Time{}
	}
	if len(f.said) >= maxRemembered {
		f.forget()
	}
	f.said[text] = at
	return true
}

// forget makes room for another failure. mu is held.
func (f *failures) forget() {
	oldest := ""
	for text, at := range f.said {
		if oldest == "" || at.Before(f.said[oldest]) {
			oldest = text
		}
	}
	delete(f.said, oldest)
}

// listener is the log handler of a mechanism.
type listener struct {
	slog.Handler
	failures *failures
}

func (l listener) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError || l.Handler.Enabled(ctx, level)
}

func (l listener) Handle(ctx context.Context, r slog.Record) error {
	if quotedDirectory(r) {
		return nil
	}
	if r.Level >= slog.LevelError && !l.failures.news(textOf(r), r.Time) {
		return nil
	}
	if !l.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return l.Handler.Handle(ctx, r)
}

func (l listener) WithAttrs(attrs []slog.Attr) slog.Handler {
	return listener{l.Handler.WithAttrs(attrs), l.failures}
}

func (l listener) WithGroup(name string) slog.Handler {
	return listener{l.Handler.WithGroup(name), l.failures}
}

func textOf(r slog.Record) string {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	return text
}
