package redact

import "strings"

// unescaped is where a name begins that may stand behind an escaped byte, as in
// \r\nCookie or %0aCookie: the letters of the escape are none of its own.
func unescaped(text string, from, end int) int {
	if from == 0 {
		return from
	}
	n := 0
	switch c := text[from]; text[from-1] {
	case '\\':
		switch c {
		case 'r', 'n', 't', 'b', 'f', 'v', 'a', 'e', '0':
			n = 1
		case 'u':
			n = 5
		case 'x':
			n = 3
		}
	case '%':
		n = 2
	}
	if from+n >= end || n > 1 && !all(text[from+n-min(n, 2):from+n], isHex) {
		return from
	}
	return from + n
}

// skipBlank goes over spaces, escaped ones and the zero bytes between the arguments of a
// command line.
func skipBlank(text string, i int) int {
	for i < len(text) {
		switch {
		case isBlank(text[i]), text[i] == 0:
			i++
		case strings.HasPrefix(text[i:], `\t`), strings.HasPrefix(text[i:], `\0`):
			i += 2
		default:
			return i
		}
	}
	return i
}

// quoteEntity is the length of a quote as HTML has it that the text begins with; 0 if it
// begins with none.
func quoteEntity(text string) int {
	if text == "" || text[0] != '&' {
		return 0
	}
	for _, entity := range []string{"&quot;", "&#34;", "&#39;", "&apos;", "&#x22;", "&#x27;"} {
		if hasFold(text, entity) {
			return len(entity)
		}
	}
	return 0
}

// nextEntity is where the next such quote is, or the line ends.
func nextEntity(text string, from int) int {
	for i := from; i < len(text); i++ {
		if text[i] == '\n' || text[i] == '&' && quoteEntity(text[i:]) > 0 {
			return i
		}
	}
	return len(text)
}

// The ends of tags, plain and as they stand in HTML.
var tagMarks = []struct{ open, close string }{{"<", ">"}, {"&lt;", "&gt;"}, {`\u003c`, `\u003e`}}

// isElement reports whether the name is that of a tag, perhaps in a namespace or with
// attributes behind it.
func (n named) isElement() bool { return n.tagEnd() > 0 }

// tagEnd is where the value of <name>value</name> begins; 0 if there is none.
func (n named) tagEnd() int {
	before := n.text[:n.from]
	if i := len(before) - 1; i > 0 && before[i] == ':' { // <ns:name>
		j := i
		for j > 0 && i-j < 64 && isName(before[j-1]) {
			j--
		}
		before = before[:j]
	}
	for _, mark := range tagMarks {
		if !strings.HasSuffix(before, mark.open) {
			continue
		}
		rest := n.text[n.end:min(len(n.text), n.end+512)]
		i := strings.Index(rest, mark.close)
		if i == 0 || i > 0 && isSpace(rest[0]) && rest[i-1] != '/' {
			return n.end + i + len(mark.close)
		}
	}
	return 0
}

// element is <name>value</name>.
func (n named) element() (from, to int) {
	if !Name(n.name()) {
		return 0, 0
	}
	from, to = n.tagEnd(), len(n.text)
	if equalFold(n.name(), "secret") && !strings.Contains(n.text[from:min(to, from+1024)], "</") {
		return 0, 0 // <secret> stands where one was
	}
	for _, mark := range tagMarks {
		if i := strings.Index(n.text[from:to], mark.open); i >= 0 {
			to = from + i
		}
	}
	return from, to
}

// valueOfName is the value of a "value" beside a name that says that it is a secret:
// {"name": "API_KEY", "value": "x"}, <input name="password" value="x">.
func (n named) valueOfName(p separator) (from, to int) {
	const furthest = 200
	before := n.text[max(0, n.from-furthest):n.from]
	before = before[strings.LastIndexAny(before, "{}<>")+1:]
	if secretNamed(before) {
		return extent(n.text, p.value, p.kind)
	}
	from, to = extent(n.text[:min(len(n.text), p.value+furthest)], p.value, p.kind)
	after := n.text[to:min(len(n.text), to+furthest)]
	if i := strings.IndexAny(after, "{}<>"); i >= 0 && secretNamed(after[:i]) {
		return from, to
	}
	return 0, 0
}

// secretNamed reports whether a part of a text has a name, or a key, that is a secret's.
func secretNamed(text string) bool {
	for i := 0; i < len(text); {
		if !isName(text[i]) {
			i++
			continue
		}
		end := skip(text, i, isName)
		switch strings.ToLower(text[i:end]) {
		case "name", "key", "id", "header", "variable", "env", "field", "param", "parameter":
			if p := separatorAfter(text, end); p.kind != 0 && p.value < len(text) && !isSpace(text[p.value]) {
				if from, to := extent(text, p.value, p.kind); from < to && Name(text[from:to]) {
					return true
				}
			}
		}
		i = end
	}
	return false
}

// isBlockMark reports whether a value of YAML, as in name: |, stands in the lines below.
func isBlockMark(text string, i int) bool {
	if text[i] != '|' && text[i] != '>' {
		return false
	}
	i = skip(text, i+1, func(c byte) bool { return c == '-' || c == '+' || isDigit(c) })
	i = skip(text, i, isBlank)
	return i == len(text) || text[i] == '\n' || text[i] == '\r'
}

// block is a value of YAML in the lines below its name, which stand further in; not what
// are names themselves.
func (n named) block(p separator) (from, to int) {
	lineEnd := strings.IndexByte(n.text[p.value:], '\n')
	if p.kind != ':' || lineEnd < 0 || !Name(n.name()) || !n.startsLine() ||
		isSpace(n.text[p.value]) && n.text[p.value] != '\n' && n.text[p.value] != '\r' {
		return 0, 0
	}
	indent := n.from - strings.LastIndexByte(n.text[:n.from], '\n') - 1
	at := p.value + lineEnd + 1
	var end int
	for ; at < len(n.text); at = end {
		end = at + lineLength(n.text[at:])
		first := skip(n.text[:end], at, isBlank)
		switch {
		case first < end && n.text[first] != '\n' && n.text[first] != '\r' && first-at <= indent:
			return from, to
		case first >= end || isSpace(n.text[first]):
			continue
		case from == 0 && isSpace(n.text[p.value]) && (pairAt(n.text, first) || n.text[first] == '-'):
			return 0, 0
		case from == 0:
			from = first
		}
		to = end
		for to > from && isSpace(n.text[to-1]) {
			to--
		}
	}
	return from, to
}

// lineLength is the length of the first line, with its end.
func lineLength(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	return len(text)
}
