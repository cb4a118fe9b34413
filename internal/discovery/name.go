package discovery

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/prober"
)

// maxName is how many characters the name of a target may have.
const maxName = 128

// nameOf is what a target is called, if no other is called so too.
func nameOf(set labelSet, place string) string {
	for _, text := range []string{set[labelApp], set[labelInstance], place} {
		if name := validName(text); name != "" {
			return name
		}
	}
	return ""
}

// validName makes a text a valid name, by changing as little as possible.
func validName(text string) string {
	for _, scheme := range []string{"http://", "https://"} {
		text = strings.TrimPrefix(text, scheme)
	}
	text = strings.Map(func(r rune) rune {
		if r == '/' || r == utf8.RuneError || prober.NotPrintable(r) {
			return '_'
		}
		return r
	}, strings.TrimRight(strings.TrimSpace(text), "/"))
	text = shortened(strings.TrimSpace(text))
	if text == "." || text == ".." {
		return ""
	}
	return text
}

// shortened cuts a name that is too long, with a sum of the whole in place of the rest.
func shortened(name string) string {
	if utf8.RuneCountInString(name) <= maxName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return string([]rune(name)[:maxName-9]) + "~" + hex.EncodeToString(sum[:4])
}

// tellApart gives targets of one name different ones: each gets its place after it, and
// its module where the place is the same too. It depends on nothing but the list, so
// that a restart changes no names.
func tellApart(list []prober.Target) {
	for _, more := range []func(*prober.Target) string{
		(*prober.Target).Place,
		func(t *prober.Target) string { return t.Module },
	} {
		count := map[string]int{}
		for i := range list {
			count[list[i].App]++
		}
		for i := range list {
			if t := &list[i]; count[t.App] > 1 && validName(t.App) != validName(more(t)) {
				t.App = shortened(strings.TrimSpace(t.App + " " + validName(more(t))))
			}
		}
	}
}
