package collector

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/prober"
)

// label is the name and value of one label; the value is clean.
type label struct{ name, value string }

// clean makes any text a valid label value: every invalid byte becomes U+FFFD.
func clean(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// maxForeign is how many characters of a label value that a target's answer
// brought along are kept.
const maxForeign = 128

// foreign cleans and shortens what a target says of itself.
func foreign(s string) string {
	if len(s) <= maxForeign {
		return clean(s)
	}
	runes := 0
	for i := range s {
		if runes == maxForeign {
			return clean(s[:i])
		}
		runes++
	}
	return clean(s)
}

// appendLabel appends `,name="value"` with what shall stand before the name.
// Both formats escape alike.
func appendLabel(b []byte, before byte, name, value string) []byte {
	b = append(b, before)
	b = append(b, name...)
	b = append(b, `="`...)
	b = appendEscaped(b, value)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := range len(s) {
		var escape string
		switch s[i] {
		case '\\':
			escape = `\\`
		case '"':
			escape = `\"`
		case '\n':
			escape = `\n`
		default:
			continue
		}
		b = append(b, s[start:i]...)
		b = append(b, escape...)
		start = i + 1
	}
	return append(b, s[start:]...)
}

// describe gives the labels of health_target_info besides "target": first ours,
// then the target's own in order of their names.
func describe(t *prober.Target) []label {
	email := ""
	if t.MailAllowed {
		email = t.Email
	}
	labels := []label{
		{"url", clean(PublicPlace(t.Place()))},
		{"module", clean(t.ModuleName())},
		{"source", clean(string(t.Source))},
		{"group", clean(t.Group)},
		{"email", clean(email)},
	}
	ours := len(labels)
	for _, name := range slices.Sorted(maps.Keys(t.Labels)) {
		taken := name == "target" || slices.ContainsFunc(labels[:ours], func(l label) bool { return l.name == name })
		if !taken && validLabelName(name) {
			labels = append(labels, label{name, clean(t.Labels[name])})
		}
	}
	return labels
}

// validLabelName refuses what Prometheus reserves, and names that only servers
// with UTF-8 names understand.
func validLabelName(name string) bool {
	if name == "" || strings.HasPrefix(name, "__") {
		return false
	}
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		digit := '0' <= c && c <= '9'
		if !letter && (!digit || i == 0) {
			return false
		}
	}
	return true
}

// PublicPlace is where a target is, without what may be secret: userinfo, query
// and fragment. Of a place that cannot be taken apart and might hold one of
// them, only the scheme is left.
func PublicPlace(place string) string {
	if !strings.ContainsAny(place, "@?#") {
		return place
	}
	scheme, rest := "", place
	if before, after, found := strings.Cut(place, "://"); found && !strings.ContainsAny(before, "/?#@") {
		scheme, rest = before+"://", after
	}
	if !strings.ContainsAny(rest, "@?#") {
		return place
	}
	u, err := url.Parse("//" + rest)
	if err != nil {
		return scheme
	}
	return scheme + u.Host + u.EscapedPath()
}
