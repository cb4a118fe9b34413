package prober

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
)

// maxMatchedBody is how much of a body is held in memory for conditions, and how much a
// scheduled probe reads, if no limit is configured.
const maxMatchedBody = 10 << 20

// matchLimit is how much of a body is held in memory for conditions.
func (p *httpProbe) matchLimit() int {
	if p.BodySizeLimit <= 0 || p.BodySizeLimit == unlimitedBody {
		return maxMatchedBody
	}
	return int(min(p.BodySizeLimit, math.MaxInt-1))
}

// matchHeaders checks the header against the conditions and says which one it
// does not meet.
func (p *httpProbe) matchHeaders(ctx context.Context, header http.Header) error {
	for _, m := range p.FailIfHeaderMatches {
		values := header[canonical(m.Header)]
		if len(values) == 0 && !m.AllowMissing {
			return fmt.Errorf("header %s is missing", canonical(m.Header))
		}
		for _, value := range values {
			found, err := m.Regexp.matches(ctx, []byte(value))
			if err != nil {
				return err
			}
			if found {
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
		found, err := anyMatches(ctx, m.Regexp, values)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("header %s does not match %q", canonical(m.Header), m.Regexp)
		}
	}
	return nil
}

func anyMatches(ctx context.Context, r Regexp, values []string) (found bool, err error) {
	for _, value := range values {
		if found, err = r.matches(ctx, []byte(value)); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// matchesBody reports whether there are conditions on the body.
func (p *httpProbe) matchesBody() bool {
	return len(p.FailIfBodyMatches) > 0 || len(p.FailIfBodyNotMatches) > 0
}

// matchBody checks the body against the conditions. cut reports whether there is more of it:
// then only what was found counts, not what was not.
func (p *httpProbe) matchBody(ctx context.Context, body []byte, cut bool) error {
	for _, r := range p.FailIfBodyMatches {
		switch found, err := r.matches(ctx, body); {
		case err != nil:
			return err
		case found:
			return fmt.Errorf("body matches %q", r)
		case cut:
			return fmt.Errorf("body is larger than %s, and was not matched against %q to its end: set body_size_limit", p.matchLimitText(), r)
		}
	}
	for _, r := range p.FailIfBodyNotMatches {
		switch found, err := r.matches(ctx, body); {
		case err != nil:
			return err
		case found:
		case cut:
			return fmt.Errorf("body does not match %q in its first %s, and is larger: set body_size_limit", r, p.matchLimitText())
		default:
			return fmt.Errorf("body does not match %q", r)
		}
	}
	return nil
}

func (p *httpProbe) matchLimitText() string {
	text, _ := Size(p.matchLimit()).MarshalText()
	return string(text)
}

// tally counts what is read until the context ends, and keeps the first bytes if asked
// to. A small compressed body can expand without end.
type tally struct {
	ctx  context.Context
	from io.Reader
	n    int64
	keep int // how much to keep
	kept []byte
}

func (t *tally) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
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

// readForMatch reads what conditions look at, up to the limit; cut reports whether there is
// more. It reads piece by piece, so that a large body costs twice its size and not six
// times.
func readForMatch(body io.Reader, limit int) (text []byte, cut bool, err error) {
	var pieces [][]byte
	total, whole := 0, false
	for size := 4 << 10; total < limit && !whole; size = min(2*size, 1<<20) {
		var piece []byte
		piece, whole, err = readUpTo(make([]byte, 0, size), body, min(size, limit-total)-1)
		if err != nil {
			return nil, false, err
		}
		pieces = append(pieces, piece)
		total += len(piece)
	}
	if !whole {
		more, none, err := readUpTo(nil, body, 0)
		if err != nil {
			return nil, false, err
		}
		cut = !none || len(more) > 0
	}
	if len(pieces) == 1 {
		return pieces[0], cut, nil
	}
	return bytes.Join(pieces, nil), cut, nil
}
