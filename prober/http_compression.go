package prober

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
)

// compressedBody decodes a body in the way that is configured, blindly: one that is
// compressed otherwise, or not at all, is an error.
type compressedBody struct {
	coding string
	raw    ending
	from   io.Reader // reads from raw
}

func decompress(coding string, body io.Reader) (io.Reader, error) {
	c := &compressedBody{coding: strings.ToLower(coding), raw: ending{from: body}}
	switch c.coding {
	case "gzip":
		z, err := gzip.NewReader(&c.raw)
		if err != nil {
			return nil, c.explain(err)
		}
		c.from = z
	case "deflate":
		c.from = flate.NewReader(&c.raw) // raw, without the wrapping of zlib
	case "br":
		c.from = brotli.NewReader(&c.raw)
	case "identity":
		return body, nil
	default:
		return nil, because(ReasonBody, fmt.Errorf("unknown compression %q", coding))
	}
	return c, nil
}

func (c *compressedBody) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = c.explain(err)
	}
	return n, err
}

// explain distinguishes a body that is not what it should be from a connection that broke.
func (c *compressedBody) explain(err error) error {
	switch {
	case c.raw.err != nil && !errors.Is(c.raw.err, io.EOF):
		return c.raw.err
	case c.raw.n == 0:
		return because(ReasonBody, fmt.Errorf("body is empty, not compressed with %s", c.coding))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return because(ReasonBody, fmt.Errorf("body ends in the middle of what is compressed with %s", c.coding))
	}
	return because(ReasonBody, fmt.Errorf("body is not compressed with %s", c.coding))
}

// ending remembers how reading ended, and how much there was.
type ending struct {
	from io.Reader
	n    int64
	err  error
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.from.Read(p)
	e.n += int64(n)
	if err != nil {
		e.err = err
	}
	return n, err
}
