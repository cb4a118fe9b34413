package prober

import (
	"strings"
	"unicode"
)

// NotPrintable reports whether a character must not be in a text that is kept and shown:
// what controls a terminal, turns the direction of writing round, or is not seen at all,
// so that a name looks like another, or a line like two. Of spaces only the plain one is
// printable.
func NotPrintable(r rune) bool {
	switch {
	case r == 0xfe0e, r == 0xfe0f: // say of the symbol before them how it looks
		return false
	case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return true // letters and marks by their category, and never seen
	case r == 0x2800: // braille without a dot
		return true
	}
	return !unicode.IsPrint(r)
}

// visible is a text of a peer with a sign for each character that is not printable. What
// only sets words off becomes a space.
func visible(text string) string {
	text = strings.ToValidUTF8(text, "?")
	if !strings.ContainsFunc(text, NotPrintable) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\r', r == 0xa0:
			return ' '
		case NotPrintable(r):
			return '?'
		}
		return r
	}, text)
}
