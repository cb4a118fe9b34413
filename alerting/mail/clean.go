package mail

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// hidden reports whether a character shows nothing, or changes how others are shown, and
// so let a text pretend to be another one. The joiners stay: they spell words and emoji.
func hidden(r rune) bool {
	if r == '\u200c' || r == '\u200d' {
		return false
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}

// oneLine is the text in one line without anything hidden, of at most so many characters.
func oneLine(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if hidden(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	return cut(strings.Join(strings.Fields(text), " "), most)
}

// cut shortens the text to so many characters and shows that it did.
func cut(text string, most int) string {
	n := 0
	for i := range text {
		if n++; n == most+1 {
			runes := []rune(text[:i])
			return string(runes[:most-1]) + "…"
		}
	}
	return text
}

// lines is the text as it is, without anything hidden but line ends and tabs.
func lines(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && hidden(r) {
			return -1
		}
		return r
	}, text)
}

// How much of a response is shown.
const (
	excerptCharacters = 500
	excerptLines      = 12
)

// excerpt is the beginning of a response: some lines of plain text, without blank ones.
func excerpt(response []byte) string {
	const enough = 16 << 10 // bytes, of which most may be blank
	if len(response) > enough {
		response = response[:enough]
	}
	var kept []string
	text := strings.ReplaceAll(lines(string(response)), "\t", " ")
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, " \n"); line == "" {
			continue
		}
		if len(kept) == excerptLines {
			kept = append(kept, "…")
			break
		}
		kept = append(kept, line)
	}
	return cut(strings.Join(kept, "\n"), excerptCharacters)
}

// indent puts the text behind a mark at the beginning of each line, so that nobody
// takes it for a part of the mail.
func indent(mark, text string) string {
	return mark + strings.ReplaceAll(text, "\n", "\n"+mark)
}

// spell is a duration as people say it: two units are enough.
func spell(d time.Duration) string {
	d = d.Round(time.Second)
	days, hours, minutes, seconds := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60, int(d/time.Second)%60
	two := func(a int, unit string, b int, smaller string) string {
		if b == 0 {
			return fmt.Sprintf("%d %s", a, unit)
		}
		return fmt.Sprintf("%d %s %d %s", a, unit, b, smaller)
	}
	switch {
	case days > 0:
		return two(days, "d", hours, "h")
	case hours > 0:
		return two(hours, "h", minutes, "min")
	case minutes > 0:
		return two(minutes, "min", seconds, "s")
	}
	return fmt.Sprintf("%d s", seconds)
}
