package prober

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Limits on what a peer can make us read in a dialogue, whatever the
// configuration says.
const (
	maxLine          = 64 << 10 // line end included
	maxDialogueBytes = 10 << 20
	maxDialogueReads = 100_000 // lines and segments
)

var (
	errLongLine  = fmt.Errorf("answer with a line of more than %d KiB", maxLine>>10)
	errTooMuch   = because(ReasonBody, fmt.Errorf("answer of more than %d MiB", maxDialogueBytes>>20))
	errManyReads = fmt.Errorf("answer of more than %d lines", maxDialogueReads)
)

// lineReader reads lines and bytes from one buffer, so that neither loses what
// the other has read ahead.
type lineReader struct {
	meter meter
	buf   *bufio.Reader // reads from meter
	reads int           // how many lines and segments were asked for
	long  []byte        // a line that does not fit into buf
}

func newLineReader() *lineReader {
	r := &lineReader{}
	r.buf = bufio.NewReaderSize(&r.meter, 4<<10)
	return r
}

// open begins to read from a connection.
func (r *lineReader) open(from io.Reader) {
	r.meter, r.reads = meter{left: maxDialogueBytes, over: errTooMuch}, 0
	r.follow(from)
}

// follow goes on with another connection. What was read ahead is dropped: what
// comes before a TLS handshake is not to be taken for what comes after it.
func (r *lineReader) follow(from io.Reader) {
	r.meter.from = from
	r.buf.Reset(&r.meter)
}

// line is the next line without its end. It is valid until the next call.
func (r *lineReader) line() ([]byte, error) {
	if err := r.count(); err != nil {
		return nil, err
	}
	r.long = r.long[:0]
	for {
		part, err := r.buf.ReadSlice('\n')
		if err == nil && len(r.long) == 0 {
			return trimLineEnd(part), nil
		}
		if len(r.long)+len(part) > maxLine {
			return nil, because(ReasonBody, errLongLine)
		}
		r.long = append(r.long, part...)
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(r.long) > 0:
			return trimLineEnd(r.long), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// some are the next bytes: at least one, and at most n. They are valid until
// the next call.
func (r *lineReader) some(n int) ([]byte, error) {
	if err := r.count(); err != nil {
		return nil, err
	}
	if _, err := r.buf.Peek(1); err != nil {
		return nil, err
	}
	next, err := r.buf.Peek(min(n, r.buf.Buffered()))
	if err != nil {
		return nil, err
	}
	_, err = r.buf.Discard(len(next))
	return next, err
}

// count bounds the work that small pieces make.
func (r *lineReader) count() error {
	if r.reads++; r.reads > maxDialogueReads {
		return because(ReasonBody, errManyReads)
	}
	return nil
}

// phase is that of waiting for more of an answer.
func (r *lineReader) phase() Phase {
	if r.meter.read == 0 {
		return PhaseRequest
	}
	return PhaseTransfer
}

func trimLineEnd(line []byte) []byte {
	line, _ = bytes.CutSuffix(line, []byte("\n"))
	line, _ = bytes.CutSuffix(line, []byte("\r"))
	return line
}
