package prober

import (
	"bytes"
	"encoding/hex"
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxUnescaped is how many escapes within each other are undone.
const maxUnescaped = 6

// spelling is a text as it reads without some of its escapes, and where in the text each
// byte comes from; at has one more, for the end.
type spelling struct {
	text   []byte
	at     []int
	rounds int
}

// spell is a text as it is.
func spell(text string) spelling {
	s := spelling{text: []byte(text), at: make([]int, len(text)+1)}
	for i := range s.at {
		s.at[i] = i
	}
	return s
}

// unescaped undoes one level of escapes. It reports whether there was any.
func (s spelling) unescaped() (plain spelling, changed bool) {
	if s.rounds >= maxUnescaped || !bytes.ContainsAny(s.text, `\&%`) {
		return s, false
	}
	plain = spelling{rounds: s.rounds + 1, text: make([]byte, 0, len(s.text)), at: make([]int, 0, len(s.at))}
	for i := 0; i < len(s.text); {
		meaning, size := unescape(s.text[i:])
		for range len(meaning) {
			plain.at = append(plain.at, s.at[i])
		}
		plain.text = append(plain.text, meaning...)
		changed = changed || size > 1
		i += size
	}
	plain.at = append(plain.at, s.at[len(s.text)])
	return plain, changed
}

// folded is the text as it is compared: with one space for any number, or for the plus that
// a form has for one, a sign for what is not printable, and in small letters if lower.
func (s spelling) folded(lower bool) spelling {
	folded := spelling{text: make([]byte, 0, len(s.text)), at: make([]int, 0, len(s.at))}
	for i := 0; i < len(s.text); {
		r, size := utf8.DecodeRune(s.text[i:])
		switch {
		case r == '+', unicode.IsSpace(r):
			r = ' '
		case r == utf8.RuneError, NotPrintable(r):
			r = '?'
		case lower:
			r = unicode.ToLower(r)
		}
		if last := len(folded.text) - 1; r != ' ' || last < 0 || folded.text[last] != ' ' {
			folded.text = utf8.AppendRune(folded.text, r)
		}
		for len(folded.at) < len(folded.text) {
			folded.at = append(folded.at, s.at[i])
		}
		i += size
	}
	folded.at = append(folded.at, s.at[len(s.text)])
	return folded
}

// unescape is what the text begins with, and how long that is spelled: more than one byte
// if it is an escape.
func unescape(text []byte) (meaning []byte, size int) {
	switch {
	case len(text) >= 3 && text[0] == '%':
		if b, err := hex.DecodeString(string(text[1:3])); err == nil {
			return b, 3
		}
	case len(text) >= 2 && text[0] == '\\':
		return unquote(text)
	case len(text) >= 4 && text[0] == '&':
		const longestEntity = 32
		if end := bytes.IndexByte(text[:min(len(text), longestEntity)], ';'); end > 0 {
			entity := string(text[:end+1])
			if plain := html.UnescapeString(entity); plain != entity {
				return []byte(plain), end + 1
			}
		}
	}
	return text[:1], 1
}

// unquote undoes an escape of JSON, or of a text that Go has quoted.
func unquote(text []byte) (meaning []byte, size int) {
	const short, means = `"\/'abfnrtv`, "\"\\/'\a\b\f\n\r\t\v"
	if i := strings.IndexByte(short, text[1]); i >= 0 {
		return []byte{means[i]}, 2
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[text[1]]
	code, ok := hexAt(text, 2, digits)
	switch {
	case !ok:
		return text[:1], 1
	case digits == 2:
		return []byte{byte(code)}, 4
	case utf16.IsSurrogate(code) && len(text) >= 12 && text[6] == '\\' && text[7] == 'u':
		if low, ok := hexAt(text, 8, 4); ok {
			return utf8.AppendRune(nil, utf16.DecodeRune(code, low)), 12
		}
	}
	return utf8.AppendRune(nil, code), 2 + digits
}

// hexAt reads a number of digits.
func hexAt(text []byte, from, digits int) (rune, bool) {
	if digits == 0 || len(text) < from+digits {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[from:from+digits]), 16, 32)
	return rune(n), err == nil
}
