package redact

import "strings"

// isNoSecret reports whether a value says that there is none, or that it is hidden.
func isNoSecret(value string) bool {
	if len(value) > 32 {
		return false
	}
	switch strings.ToLower(value) {
	case "", "true", "false", "null", "nil", "<nil>", "none", "undefined", "<secret>", "<redacted>", "[redacted]",
		"redacted", "<hidden>", "<secret", "<nil":
		return true
	}
	// Punctuation: unexpected token: '}'
	if len(value) <= 2 && !has(value, isAlnum) {
		return value[0] < 0x80
	}
	return all(value, func(c byte) bool { return c == '*' })
}

// isPlainWord reports whether a word follows "token:" or "--password" in a sentence.
func isPlainWord(word string) bool {
	if len(word) > 32 {
		return false
	}
	word = strings.TrimRight(word, ",;.:!?)")
	if isNoSecret(word) {
		return true
	}
	switch strings.ToLower(word) {
	case "yes", "no", "on", "off", "ok", "set", "unset", "empty", "missing", "required", "invalid", "expired", "unknown",
		"unexpected", "unauthorized", "unauthorised", "denied", "rejected", "failed", "failure", "wrong", "bad", "too",
		"must", "should", "cannot", "can", "could", "is", "are", "was", "were", "has", "have", "not", "found", "to", "or",
		"and", "the", "a", "an", "in", "of", "for", "from", "with", "by", "at", "as", "if", "when", "flag", "option",
		"value", "error", "expected", "got", "does", "did", "will", "be", "given", "changed", "rotated", "revoked",
		"malformed", "unsupported", "disabled", "enabled", "default", "optional", "hidden",
		"token", "tokens", "auth", "authentication", "authorization", "realm", "scheme", "credentials", "format",
		"header", "headers", "it", "that", "this", "which", "only", "per", "permission",
		"refused", "connection", "lookup", "context", "parsing", "key", "keys", "used", "here":
		return true
	}
	return false
}

// isStrong distinguishes names of passwords and secrets from those of keys and tokens,
// which are words of many a harmless sentence.
func isStrong(name string) bool {
	for i := range len(name) {
		if hasFold(name[i:], "pass") || hasFold(name[i:], "secret") || hasFold(name[i:], "pwd") ||
			hasFold(name[i:], "credential") {
			return true
		}
	}
	return false
}

// isOneWord distinguishes names such as token, which may be a word of a sentence, from
// those such as apiKey or auth_token, which are not.
func isOneWord(name string) bool { return all(name[1:], isLower) }

// isVariable reports whether a name is in the style of environment variables.
func isVariable(name string) bool {
	return all(name, func(c byte) bool { return isUpper(c) || isDigit(c) || c == '_' })
}

// plural reports whether a name counts things: tokens=12.
func plural(name string) bool { return strings.HasSuffix(name, "s") && !strings.HasSuffix(name, "ss") }
