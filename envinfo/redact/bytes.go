package redact

// The classes of bytes that texts are cut by. Bytes beyond ASCII belong to none.

func isLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool  { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return isLower(c | 0x20) }
func isAlnum(c byte) bool  { return isLetter(c) || isDigit(c) }
func isSpace(c byte) bool  { return c <= ' ' }
func isBlank(c byte) bool  { return c == ' ' || c == '\t' }
func isQuote(c byte) bool  { return c == '"' || c == '\'' || c == '`' }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// isName has the bytes that names of settings, variables, headers and flags
// are made of.
func isName(c byte) bool { return isAlnum(c) || c == '_' || c == '-' || c == '.' }

// isToken has the bytes of base64 in both alphabets, of paths, and of what
// stands between the parts of tokens.
func isToken(c byte) bool {
	return isName(c) || c == '+' || c == '/' || c == '~' || c == '%'
}

// all reports whether every byte of a text is of a class.
func all(text string, class func(byte) bool) bool {
	for i := range len(text) {
		if !class(text[i]) {
			return false
		}
	}
	return true
}

// has reports whether any byte of a text is of a class.
func has(text string, class func(byte) bool) bool {
	for i := range len(text) {
		if class(text[i]) {
			return true
		}
	}
	return false
}

// hasFold reports whether text begins with an ASCII word in lower case, however
// the text is written.
func hasFold(text, word string) bool {
	if len(text) < len(word) {
		return false
	}
	for i := range len(word) {
		c := text[i]
		if isUpper(c) {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

func equalFold(text, word string) bool { return len(text) == len(word) && hasFold(text, word) }

// skip goes on from i while bytes are of a class.
func skip(text string, i int, class func(byte) bool) int {
	for i < len(text) && class(text[i]) {
		i++
	}
	return i
}
