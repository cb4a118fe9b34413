// Package names says what a list of "names or patterns" means, wherever there is one:
// of targets, of groups, of checks.
package names

import (
	"path"
	"slices"
	"strings"
)

// wildcards are the bytes that make a pattern of a name, as path.Match has them.
const wildcards = `*?[\`

// Match reports whether a name is the one that is given, or fits it as a pattern, such as
// web-*. A name is a name, whatever is in it: what is not a valid pattern stands for itself.
func Match(pattern, name string) bool {
	if pattern == name {
		return true
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// MatchAny reports whether a name matches any of those that are given.
func MatchAny(patterns []string, name string) bool {
	return slices.Contains(patterns, name) || slices.ContainsFunc(patterns, func(p string) bool { return Match(p, name) })
}

// Wild reports whether what is given may match other names than itself.
func Wild(pattern string) bool {
	if !strings.ContainsAny(pattern, wildcards) {
		return false
	}
	_, err := path.Match(pattern, "")
	return err == nil
}

// Name is what Quote has made the pattern of.
func Name(quoted string) (name string, ok bool) {
	if !Wild(quoted) {
		return quoted, true
	}
	var b strings.Builder
	for i := 0; i < len(quoted); i++ {
		if quoted[i] == '\\' && i+1 < len(quoted) {
			i++
		}
		b.WriteByte(quoted[i])
	}
	name = b.String()
	return name, Quote(name) == quoted
}

// Quote is the pattern that matches just the name.
func Quote(name string) string {
	if !Wild(name) {
		return name
	}
	return QuoteAll(name)
}
