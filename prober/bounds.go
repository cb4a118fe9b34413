package prober

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"
)

// maxHeaderBytes bounds the header of an answer over HTTP of any version, whatever the
// configuration says.
const maxHeaderBytes = 64 << 10

var errHeaderTooLarge = fmt.Errorf("answer with a header larger than %d bytes", maxHeaderBytes)

// meter is a reader that refuses to read more than it should, and knows how
// much it has read.
type meter struct {
	from       io.Reader
	left, read int64
	over       error // of reading more than what is left
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, m.over
	}
	n, err := m.from.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	m.read += int64(n)
	return n, err
}

var longAgo = time.Unix(1, 0)

// bound makes the connection obey the context until stop is called. stop tells
// whether the context has left the connection alone.
func bound(ctx context.Context, conn net.Conn) (stop func() bool) {
	deadline, _ := ctx.Deadline() // the zero time is not a deadline
	_ = conn.SetDeadline(deadline)
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(longAgo) })
}

// fixedDeadline is a connection whose deadline is that of the probe. Whoever
// gets it cannot move it: crypto/tls would wait five more seconds to send a close alert
// to a peer that does not read.
type fixedDeadline struct{ net.Conn }

// SetDeadline does nothing.
func (fixedDeadline) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (fixedDeadline) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (fixedDeadline) SetWriteDeadline(time.Time) error { return nil }
