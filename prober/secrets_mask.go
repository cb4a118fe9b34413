package prober

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"
)

// shortestFolded is how long a secret must be to be found in capitals or small letters, too.
const shortestFolded = 6

// masker hides texts in whatever spelling they come back: escaped for JSON, HTML or a URL,
// each within others, in base64, in small letters, on one line.
type masker struct {
	exact  []string // short ones, as they are
	folded []string // in small letters
}

// maskerOf hides texts; nil if there is nothing to hide.
func maskerOf(texts []string) *masker {
	m := &masker{}
	for _, text := range texts {
		if len(text) < shortestSecret || len(text) > longestSecret {
			continue
		}
		m.add(text)
		m.add(asciiHost(text)) // of a redirect, or an error about one
		for _, coding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
			m.add(coding.EncodeToString([]byte(text)))
		}
		// What looks like an escape in the text itself is undone in what comes back, too.
		for spelled, more := spell(text).unescaped(); more; spelled, more = spelled.unescaped() {
			m.add(string(spelled.text))
		}
	}
	if len(m.exact)+len(m.folded) == 0 {
		return nil
	}
	m.exact, m.folded = sorted(m.exact), sorted(m.folded)
	return m
}

func (m *masker) add(text string) {
	text = strings.TrimRight(text, `\`) // which may be part of an escape together with what follows
	text = strings.TrimSpace(string(spell(text).folded(false).text))
	switch n := utf8.RuneCountInString(text); {
	case len(text) < shortestSecret:
	case n < shortestFolded:
		m.exact = append(m.exact, text)
	default:
		m.folded = append(m.folded, string(spell(text).folded(true).text))
	}
}

func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// Replace is the text with a mask for each of them.
func (m *masker) Replace(text string) string {
	var found []part
	spelled, more := spell(text), true
	for more {
		for _, with := range []struct {
			lower bool
			list  []string
		}{{false, m.exact}, {true, m.folded}} {
			if len(with.list) > 0 {
				found = append(found, spelled.folded(with.lower).parts(with.list)...)
			}
		}
		spelled, more = spelled.unescaped()
	}
	return masked(text, found)
}

// part is a part of a text.
type part struct{ from, to int }

// parts finds texts, and what is left of one where the text was cut.
func (s spelling) parts(list []string) (found []part) {
	text := string(s.text)
	ends := cuts(text)
	for _, each := range list {
		for at := 0; ; {
			i := strings.Index(text[at:], each)
			if i < 0 {
				break
			}
			found = append(found, part{s.at[at+i], s.at[at+i+len(each)]})
			at += i + 1
		}
		for _, end := range ends {
			for n := min(len(each)-1, end); n >= shortestSecret; n-- {
				if strings.HasSuffix(text[:end], each[:n]) {
					found = append(found, part{s.at[end-n], s.at[end]})
					break
				}
			}
		}
	}
	return found
}

// cuts are where a text was shortened; not all of them if it says so without end.
func cuts(text string) (ends []int) {
	const most = 20
	for at := 0; len(ends) < most; {
		i := strings.Index(text[at:], "…")
		if i < 0 {
			break
		}
		end := at + i
		ends = append(ends, end)
		const longestEscape = 8
		from := max(0, end-longestEscape)
		if half := strings.LastIndexAny(text[from:end], `\%&`); half >= 0 {
			ends = append(ends, from+half) // an escape that was cut, too
		}
		at = end + len("…")
	}
	return ends
}

// masked is a text with a mask for its parts. Those that overlap become one.
func masked(text string, parts []part) string {
	if len(parts) == 0 {
		return text
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	done := 0
	for i, p := range parts {
		if i == 0 || p.from >= done {
			b.WriteString(text[done:p.from])
			b.WriteString(hidden)
		}
		done = max(done, p.to)
	}
	b.WriteString(text[done:])
	return b.String()
}
