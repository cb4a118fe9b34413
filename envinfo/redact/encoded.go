package redact

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"
)

// maskEncoded hides words that have a secret in them once they are decoded: escaped for a
// URL, or in base64.
func maskEncoded(text string) string {
	r := rewriter{text: text}
	for i := 0; i < len(text); {
		if isSpace(text[i]) || isQuote(text[i]) {
			i++
			continue
		}
		end := skip(text, i, func(c byte) bool { return !isSpace(c) && !isQuote(c) })
		if strings.IndexByte(text[i:end], '%') >= 0 && hidesEscaped(text[i:end]) {
			r.mask(i, end)
		}
		maskBase64(&r, i, end)
		i = end
	}
	return r.result()
}

// hidesEscaped reports whether a secret shows once a word is unescaped, twice if need be.
func hidesEscaped(word string) bool {
	for range 3 {
		plain := unescape(word)
		if plain == word {
			return false
		}
		if word = plain; maskNamed(maskUserinfo(maskPEM(word))) != word {
			return true
		}
	}
	return false
}

// unescape decodes the escapes of URLs, and leaves the rest.
func unescape(word string) string {
	var b strings.Builder
	for i := 0; i < len(word); i++ {
		if word[i] == '%' && i+2 < len(word) && isHex(word[i+1]) && isHex(word[i+2]) {
			b.WriteByte(nibble(word[i+1])<<4 | nibble(word[i+2]))
			i += 2
			continue
		}
		b.WriteByte(word[i])
	}
	return b.String()
}

func nibble(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// maskBase64 hides the parts of a word that are a secret in base64: what says user:password
// or has a secret's name in it, and what is text that was padded, which nobody writes
// but who encodes something.
func maskBase64(r *rewriter, from, end int) {
	const shortest = 8
	for i := from; i < end; {
		if !isBase64(r.text[i]) {
			i++
			continue
		}
		to := skip(r.text[:end], i, isBase64)
		padded := skip(r.text[:end], to, func(c byte) bool { return c == '=' })
		if padded-to <= 2 && (padded == end || !isAlnum(r.text[padded])) {
			for part := i; to-part >= shortest; { // all of it, or what follows a slash
				if (padded == to || (padded-part)%4 == 0) && hidesEncoded(r.text[part:to], padded > to) {
					r.mask(part, padded)
					break
				}
				slash := strings.IndexByte(r.text[part:to], '/')
				if slash < 0 {
					break
				}
				part += slash + 1
			}
		}
		i = padded
	}
}

func isBase64(c byte) bool { return isAlnum(c) || c == '+' || c == '/' || c == '-' || c == '_' }

func hidesEncoded(word string, padded bool) bool {
	const longest = 4 << 10
	if len(word) > longest {
		word = word[:longest/4*4]
	}
	if len(word)%4 == 1 {
		return false
	}
	head, err := decode64(word[:min(len(word), 16)/4*4])
	if err != nil || !printable(head) {
		return false // which is nearly always so
	}
	plain, err := decode64(word)
	if err != nil || !printable(plain) {
		return false
	}
	text := string(plain)
	user, password, found := strings.Cut(text, ":")
	switch {
	case padded:
		return true
	case found && user != "" && password != "" && !strings.ContainsAny(text, " /") && len(word) >= 12:
		return true
	}
	return maskNamed(maskUserinfo(maskPEM(text))) != text
}

func decode64(word string) ([]byte, error) {
	if strings.ContainsAny(word, "-_") {
		return base64.RawURLEncoding.DecodeString(word)
	}
	return base64.RawStdEncoding.DecodeString(word)
}

// printable reports whether bytes are a text as people write it.
func printable(text []byte) bool {
	return utf8.Valid(text) && !slices.ContainsFunc(text, func(c byte) bool { return c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0 || c == 0x7f })
}
