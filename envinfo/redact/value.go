package redact

import "strings"

// separator is what stands between a name and its value.
type separator struct {
	kind  byte // '=', ':' or '%' (a = in a URL within a URL); 0 is none
	value int  // where the value begins
	loose bool // there is space before the value
}

// separatorAfter reads on from the end of a name, over the quote that ends it.
func separatorAfter(text string, end int) separator {
	i := skip(text, end, isBlank)
	for closing := 0; closing < 3; closing++ { // "name" and ['name']
		j := skip(text, i, func(c byte) bool { return c == '\\' })
		switch {
		case j < len(text) && (isQuote(text[j]) || text[j] == ']'):
			i = j + 1
		case strings.HasPrefix(text[i:], "[]"):
			i += len("[]")
		default:
			i += quoteEntity(text[i:])
			closing = 3
		}
	}
	i = skip(text, i, isBlank)
	if i >= len(text) {
		return separator{}
	}
	s := separator{kind: text[i]}
	switch {
	case text[i] == '=':
		i = skip(text, i, func(c byte) bool { return c == '=' })
		if i < len(text) && text[i] == '>' {
			i++
		}
	case text[i] == ':' && !strings.HasPrefix(text[i:], "://"):
		i++
		if i < len(text) && text[i] == '=' {
			i++
		}
	case hasFold(text[i:], "%3d"), hasFold(text[i:], "%3a"):
		i += len("%3d")
	default:
		return separator{}
	}
	s.value = skip(text, i, isBlank)
	s.loose = s.value > i
	return s
}

// pair is the value of a secret name. The more it looks like a sentence, the
// more it must look like a secret too.
func (n named) pair(p separator) (from, to int) {
	name, strong := n.name(), isStrong(n.name())
	if p.loose && p.kind == '=' && pairAt(n.text, p.value) {
		return 0, 0 // "password= user=bob": there is none
	}
	if isHeader(name) {
		return header(n.text, p.value)
	}
	from, to = extent(n.text, p.value, p.kind)
	value := n.text[from:to]
	if p.kind == ':' && value != "" && (value[0] == '&' || value[0] == '!') { // an anchor or a tag of YAML before it
		return from, max(to, n.restOfLine(from))
	}
	quoted := from > p.value
	switch {
	case isNoSecret(value), plural(name) && all(value, isDigit):
		return 0, 0
	case quoted:
		return from, to
	case p.kind == '=' && n.startsLine() && isVariable(name):
		return from, max(to, n.restOfPair(from))
	case p.kind == ':' && p.loose:
		return n.sentence(from, to, strong)
	case !strong && isPlainWord(value):
		return 0, 0
	}
	return from, to
}

// sentence decides about "name: value", which may be YAML and may be prose.
func (n named) sentence(from, to int, strong bool) (int, int) {
	value := n.text[from:to]
	if isPlainWord(value) {
		return 0, 0
	}
	if strong && n.startsLine() {
		return from, max(to, n.restOfLine(from))
	}
	if !isOneWord(n.name()) {
		return from, to
	}
	next := skip(n.text, to, isBlank)
	more := next > to && next < len(n.text) && isName(n.text[next])
	switch {
	case more && (all(value, isLower) || len(value) <= 3 && all(value, isDigit)):
		return 0, 0 // "invalid token: lexer stopped", "fetching token: 400 Bad Request"
	case !strong && strings.HasPrefix(n.text[to:], ": "):
		return 0, 0 // "verifying signature: crypto/rsa: wrong"
	}
	return from, to
}

// startsLine reports whether nothing but space, a dash or a quote is before the
// name on its line.
func (n named) startsLine() bool {
	i := n.from
	for i > 0 && n.from-i < 64 && (isBlank(n.text[i-1]) || n.text[i-1] == '-') {
		i--
	}
	return i == 0 || n.text[i-1] == '\n' || i == n.from && isQuote(n.text[i-1]) ||
		strings.HasSuffix(n.text[:i], "export")
}

// restOfLine is where the line ends, or the quote that the name stands in.
func (n named) restOfLine(from int) int {
	within := n.before()
	to := skip(n.text, from, func(c byte) bool {
		return c != '\n' && c != '\r' && (!isQuote(within) || c != within)
	})
	for to > from && isSpace(n.text[to-1]) {
		to--
	}
	return to
}

// restOfPair is where a variable's value ends that may have spaces in it: before
// the next variable, or with the line.
func (n named) restOfPair(from int) int {
	within := n.before()
	to := from
	for i := from; i < len(n.text); i++ {
		switch c := n.text[i]; {
		case c == '\n', c == '\r', isQuote(within) && c == within:
			return to
		case isBlank(c) && pairAt(n.text, i+1):
			return to
		case !isSpace(c):
			to = i + 1
		}
	}
	return to
}

// extent is where a value begins and ends; quotes and brackets stay outside.
func extent(text string, from int, kind byte) (int, int) {
	if n := quoteEntity(text[from:]); n > 0 {
		return from + n, nextEntity(text, from+n)
	}
	open := skip(text, from, func(c byte) bool { return c == '\\' })
	switch {
	case open < len(text) && isQuote(text[open]):
		return open + 1, closingQuote(text, open+1, text[open], open-from)
	case text[from] == '[' || text[from] == '{' || strings.HasPrefix(text[from:], "map["):
		from += strings.IndexAny(text[from:], "[{") + 1
		return from, closingBracket(text, from)
	}
	to := from
	for ; to < len(text); to++ {
		c := text[to]
		if isSpace(c) || isQuote(c) || c == '<' && strings.HasPrefix(text[to:], "</") ||
			kind == '%' && strings.HasPrefix(text[to:], "%26") ||
			(c == ',' || c == ';' || c == '&' || c == '|') && pairAt(text, to+1) {
			break
		}
	}
	return from, trimEnd(text, from, to)
}

// trimEnd leaves out what ends a sentence or closes a bracket.
func trimEnd(text string, from, to int) int {
	for to > from && strings.IndexByte(`,;.:)]}>|\`, text[to-1]) >= 0 {
		to--
	}
	return to
}

// closingQuote finds the quote that ends a text begun with a quote behind some
// backslashes: in JSON within JSON, those behind more are part of it. Where there
// is none, the text was cut.
func closingQuote(text string, from int, quote byte, slashes int) int {
	run := 0
	for i := from; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			run++
			continue
		case text[i] == quote && slashes == 0 && run%2 == 0:
			return i
		case text[i] == quote && slashes > 0 && run <= slashes:
			return i - run
		}
		run = 0
	}
	return len(text)
}

// closingBracket finds the bracket that belongs to the one before from.
func closingBracket(text string, from int) int {
	depth := 1
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

// pairAt reports whether another name with a value begins at i.
func pairAt(text string, i int) bool {
	i = skip(text, i, isBlank)
	if i < len(text) && isQuote(text[i]) {
		i++
	}
	end := skip(text, i, isName)
	if end == i || end-i > maxName {
		return false
	}
	if end < len(text) && isQuote(text[end]) {
		end++
	}
	return end < len(text) && (text[end] == '=' || text[end] == ':')
}

// isHeader reports whether the value of an HTTP header is more than one word.
func isHeader(name string) bool {
	return equalFold(name, "cookie") || equalFold(name, "set-cookie") ||
		equalFold(name, "authorization") || equalFold(name, "proxy-authorization")
}

// header is the value of such a header, up to the end of the line or what it is
// wrapped in. The scheme of an Authorization stays.
func header(text string, from int) (int, int) {
	if open := skip(text, from, func(c byte) bool { return c == '\\' || c == '[' || c == '{' }); open > from ||
		isQuote(text[from]) {
		if open < len(text) && isQuote(text[open]) && open > from && text[open-1] != '\\' {
			from = open // ["value"]
		}
		return extent(text, from, ':')
	}
	first := wordAt(text, from)
	parts := hasParts(first)
	if isScheme(first) {
		if next := skip(text, from+len(first), isBlank); next > from+len(first) {
			from, first = next, wordAt(text, next)
		}
	}
	if isPlainWord(first) || strings.HasSuffix(first, ":") {
		return 0, 0
	}
	to := skip(text, from, func(c byte) bool { return c != '\n' && c != '\r' && (parts || !isQuote(c) && c != ']') })
	return from, trimEnd(text, from, to)
}

// hasParts reports whether credentials of the scheme are several, in quotes.
func hasParts(scheme string) bool {
	switch strings.ToLower(scheme) {
	case "digest", "hawk", "signature", "oauth", "mac", "aws4-hmac-sha256":
		return true
	}
	return false
}

// wordAt is what comes before the next space.
func wordAt(text string, from int) string {
	return text[from:skip(text, from, func(c byte) bool { return !isSpace(c) })]
}

func isScheme(word string) bool {
	switch strings.ToLower(word) {
	case "basic", "bearer", "token", "digest", "negotiate", "ntlm", "apikey", "api-key", "key", "hawk", "aws4-hmac-sha256", "signature", "oauth", "mac":
		return true
	}
	return false
}
