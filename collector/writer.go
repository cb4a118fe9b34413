package collector

import (
	"context"
	"io"
)

const (
	// chunkSize is how much of a page is gathered before it is written.
	chunkSize = 64 << 10
	// maxPooled is the size above which a buffer is not kept.
	maxPooled = 4 * chunkSize
)

// writer builds a page in buf and sends it off in chunks. After the first error
// it takes no more.
type writer struct {
	ctx  context.Context
	w    io.Writer
	buf  []byte
	more func() // called before each chunk is written
	err  error

	series series // room for families with labels from outside
}

// flush writes what has been gathered and reports whether to go on.
func (w *writer) flush() bool {
	if w.err == nil {
		w.err = context.Cause(w.ctx)
	}
	if w.err == nil && len(w.buf) > 0 {
		w.more()
		_, w.err = w.w.Write(w.buf)
	}
	w.buf = w.buf[:0]
	return w.err == nil
}

// Write, WriteString and WriteByte only gather, so that what turns out to be
// half a family can be taken back.
func (w *writer) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	return len(p), nil
}

func (w *writer) WriteString(s string) (int, error) {
	w.buf = append(w.buf, s...)
	return len(s), nil
}

func (w *writer) WriteByte(c byte) error {
	w.buf = append(w.buf, c)
	return nil
}

// release forgets what belongs to one page.
func (w *writer) release() {
	if cap(w.buf) > maxPooled {
		w.buf = nil
	}
	w.ctx, w.w, w.more, w.err = nil, nil, nil, nil
	w.series.forget()
}
