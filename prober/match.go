package prober

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

// freeSteps is how much work matching may be, in bytes times instructions, to be done in
// one go: at most a tenth of a second. Of the rest each piece asks for the deadline.
const freeSteps = 5_000_000

// Regexp is a regular expression (RE2) that is compiled when it is decoded.
type Regexp struct {
	*regexp.Regexp
	size int // in instructions; 0 if that is not known
}

// UnmarshalText compiles the expression.
func (r *Regexp) UnmarshalText(text []byte) error {
	compiled, err := regexp.Compile(string(text))
	if err != nil {
		return err
	}
	r.Regexp, r.size = compiled, programSize(string(text))
	return nil
}

// MarshalText is the expression's source.
func (r Regexp) MarshalText() ([]byte, error) {
	if r.Regexp == nil {
		return nil, nil
	}
	return []byte(r.String()), nil
}

// programSize is how many instructions an expression has: 8 for ab+, 1000 for a{1000}.
func programSize(expression string) int {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return 0
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0
	}
	return len(program.Inst)
}

// slowMatch is the error of a match that the deadline has ended. The text is there:
// it is not the peer that is late.
type slowMatch struct {
	what string
	err  error // of the context
}

func (e *slowMatch) Unwrap() error { return e.err }

func (e *slowMatch) Error() string {
	return fmt.Sprintf("matching %q took longer than the probe may", oneLine(e.what))
}

// matches reports whether the expression matches the text. It ends with the context.
func (r Regexp) matches(ctx context.Context, text []byte) (bool, error) {
	found, stopped := r.matchesUnless(func() bool { return ctx.Err() != nil }, text)
	if stopped {
		return false, &slowMatch{r.String(), ctx.Err()}
	}
	return found, nil
}

// matchesUnless is matches that ends when stop says so.
func (r Regexp) matchesUnless(stop func() bool, text []byte) (found, stopped bool) {
	if stop() {
		return false, true
	}
	if r.isQuick(len(text)) {
		return r.Match(text), false
	}
	reader := &stoppable{stop: stop, text: text}
	found = r.MatchReader(reader)
	return found, reader.stopped
}

// find is where the expression and its groups match; nil if nowhere. It ends with the
// context.
func (r Regexp) find(ctx context.Context, text []byte) ([]int, error) {
	if ctx.Err() != nil {
		return nil, &slowMatch{r.String(), ctx.Err()}
	}
	if r.isQuick(len(text)) {
		return r.FindSubmatchIndex(text), nil
	}
	reader := &stoppable{stop: func() bool { return ctx.Err() != nil }, text: text}
	match := r.FindReaderSubmatchIndex(reader)
	if reader.stopped {
		return nil, &slowMatch{r.String(), ctx.Err()}
	}
	return match, nil
}

// isQuick reports whether a text of so many bytes can be matched in one go.
func (r Regexp) isQuick(length int) bool {
	if _, complete := r.LiteralPrefix(); complete {
		return true // nothing but a search for a text
	}
	size := r.size
	if size == 0 {
		size = programSize(r.String())
	}
	return length*(size+1) <= freeSteps
}

// stoppable is a text that ends early when stop says so. That is the only way to end a
// match which is under way.
type stoppable struct {
	stop    func() bool
	text    []byte
	reads   int
	stopped bool
}

// ReadRune is the next character of the text.
func (s *stoppable) ReadRune() (r rune, size int, err error) {
	if s.reads++; s.reads%64 == 0 && s.stop() {
		s.stopped = true
	}
	if s.stopped || len(s.text) == 0 {
		return 0, 0, io.EOF
	}
	r, size = rune(s.text[0]), 1
	if r >= utf8.RuneSelf {
		r, size = utf8.DecodeRune(s.text)
	}
	s.text = s.text[size:]
	return r, size, nil
}
