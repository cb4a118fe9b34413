package prober

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/andybalholm/brotli"
)

// maxMatchedBody is how much of a body is held in memory for regular
// expressions, and how much a scheduled probe reads if no limit is configured.
const maxMatchedBody = 10 << 20

// matchHeaders holds the header against the conditions and says which one it
// does not meet.
func (p *httpProbe) matchHeaders(header http.Header) error {
	for _, m := range p.FailIfHeaderMatches {
		values := header[canonical(m.Header)]
		if len(values) == 0 && !m.AllowMissing {
			return fmt.Errorf("header %s is missing", canonical(m.Header))
		}
		for _, value := range values {
			if m.Regexp.MatchString(value) {
				return fmt.Errorf("header %s matches %q", canonical(m.Header), m.Regexp)
			}
		}
	}
	for _, m := range p.FailIfHeaderNotMatches {
		values := header[canonical(m.Header)]
		if len(values) == 0 {
			if m.AllowMissing {
				continue
			}
			return fmt.Errorf("header %s is missing", canonical(m.Header))
		}
		if !anyMatches(m.Regexp, values) {
			return fmt.Errorf("header %s does not match %q", canonical(m.Header), m.Regexp)
		}
	}
	return nil
}

func anyMatches(r Regexp, values []string) bool {
	for _, value := range values {
		if r.MatchString(value) {
			return true
		}
	}
	return false
}

// matchesBody tells whether there are conditions on the body.
func (p *httpProbe) matchesBody() bool {
	return len(p.FailIfBodyMatches) > 0 || len(p.FailIfBodyNotMatches) > 0
}

// matchBody holds the body against the conditions.
func (p *httpProbe) matchBody(body []byte) error {
	for _, r := range p.FailIfBodyMatches {
		if r.Match(body) {
			return fmt.Errorf("body matches %q", r)
		}
	}
	for _, r := range p.FailIfBodyNotMatches {
		if !r.Match(body) {
			return fmt.Errorf("body does not match %q", r)
		}
	}
	return nil
}

// decompress decodes the body in the way that is configured, blindly: a body
// that is compressed otherwise is an error.
func decompress(coding string, body io.Reader) (io.Reader, error) {
	switch strings.ToLower(coding) {
	case "gzip":
		return gzip.NewReader(body)
	case "deflate":
		return flate.NewReader(body), nil // raw, without the wrapping of zlib
	case "br":
		return brotli.NewReader(body), nil
	case "identity":
		return body, nil
	}
	return nil, fmt.Errorf("unknown compression %q", coding)
}

// tally counts what is read, and keeps the first bytes if asked to.
type tally struct {
	from io.Reader
	n    int64
	keep int // how much to keep
	kept []byte
}

func (t *tally) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	t.n += int64(n)
	if room := t.keep - len(t.kept); room > 0 {
		t.kept = append(t.kept, p[:min(n, room)]...)
	}
	return n, err
}

// bounded gives an error instead of more than limit bytes.
type bounded struct {
	from  io.Reader
	left  int64
	limit Size
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, b.tooLarge()
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.from.Read(p)
	if int64(n) <= b.left {
		b.left -= int64(n)
		return n, err
	}
	n = int(b.left)
	b.left = -1
	return n, b.tooLarge()
}

func (b *bounded) tooLarge() error {
	text, _ := b.limit.MarshalText()
	return because(ReasonBody, fmt.Errorf("body is larger than %s", text))
}

var errBodyClosed = because(ReasonRedirect, errors.New("the body of a redirect that is not followed is not read"))

// closedBody is the body of such a redirect.
type closedBody struct{}

func (closedBody) Read([]byte) (int, error) { return 0, errBodyClosed }

// readForMatch reads what regular expressions look at. It reads piece by piece,
// so that a large body costs twice its size and not six times.
func readForMatch(body io.Reader) ([]byte, error) {
	var pieces [][]byte
	total := 0
	for size := 4 << 10; total < maxMatchedBody; size = min(2*size, 1<<20) {
		piece, whole, err := readUpTo(make([]byte, 0, size), body, min(size, maxMatchedBody-total)-1)
		pieces = append(pieces, piece)
		total += len(piece)
		if err != nil {
			return nil, err
		}
		if whole {
			break
		}
	}
	if len(pieces) == 1 {
		return pieces[0], nil
	}
	text := make([]byte, 0, total)
	for _, piece := range pieces {
		text = append(text, piece...)
	}
	return text, nil
}
