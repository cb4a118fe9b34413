package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// maxTranscript bounds a transcript, in bytes.
const maxTranscript = 4 << 10

// transcript is a log handler that keeps the steps of one probe as lines of text.
type transcript struct {
	start time.Time

	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func newTranscript() *transcript { return &transcript{start: time.Now()} }

// String is what was logged so far.
func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// Enabled wants every step.
func (t *transcript) Enabled(context.Context, slog.Level) bool { return true }

// Handle adds a line: when, what, and the attributes.
func (t *transcript) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	fmt.Fprintf(&line, "%8.2f ms  %s", float64(r.Time.Sub(t.start))/float64(time.Millisecond), r.Message)
	r.Attrs(func(a slog.Attr) bool {
		value := a.Value.Resolve().String()
		if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r == '"' || r == 0x7f }) {
			value = fmt.Sprintf("%q", value)
		}
		line.WriteString(" " + a.Key + "=" + value)
		return true
	})
	line.WriteByte('\n')
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text.Len()+line.Len() <= maxTranscript {
		t.text.WriteString(line.String())
	}
	return nil
}

// WithAttrs and WithGroup are never used by probes.
func (t *transcript) WithAttrs([]slog.Attr) slog.Handler { return t }

// WithGroup does nothing, see WithAttrs.
func (t *transcript) WithGroup(string) slog.Handler { return t }
