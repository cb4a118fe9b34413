package redact

import "strings"

// isVerb reports whether a word is a command that gives a password away, in the
// protocols of mail, chat and files.
func isVerb(word string) bool {
	switch word {
	case "AUTH", "PASS", "LOGIN", "IDENTIFY", "AUTHENTICATE", "AUTHINFO", "APOP", "PASSWD", "OPER":
		return true
	}
	return false
}

// credentials are what follows such a command: all but the method, if it names one.
func (n named) credentials(from int) (int, int) {
	word := wordAt(n.text, from)
	if next := skip(n.text, from+len(word), isBlank); isMethod(word) {
		if next == len(n.text) || next == from+len(word) {
			return 0, 0
		}
		from, word = next, wordAt(n.text, next)
	}
	if word == "default" { // the user that Redis calls so
		return from, max(from+len(word), lineEnd(n.text, from))
	}
	if isPlainWord(word) || all(strings.Trim(word, "()[]:,;."), isDigit) {
		return 0, 0
	}
	return from, trimEnd(n.text, from, lineEnd(n.text, from))
}

// lineEnd is where a line ends, or the quotes that it stands in, or an escaped line.
func lineEnd(text string, from int) int {
	return skip(text, from, func(c byte) bool { return c != '\n' && c != '\r' && !isQuote(c) && c != '\\' })
}

// isMethod reports whether a word is the name of a way to authenticate.
func isMethod(word string) bool {
	switch strings.ToUpper(word) {
	case "PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "NTLM", "GSSAPI", "EXTERNAL", "USER", "PASS",
		"TLS", "SSL", "TLS-C", "TLS-P": // of FTP, where AUTH begins to encrypt
		return true
	}
	return false
}
