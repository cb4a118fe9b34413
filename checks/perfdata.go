package checks

import (
	"math"
	"strconv"
	"strings"
)

// perfdatum is one value of a Nagios plugin's performance data.
type perfdatum struct {
	name  string
	value float64
	unit  string
}

// splitOutput splits the output of a Nagios plugin: the text of the first line,
// and the data after the first bar of each part (the first line, and the lines
// after it).
func splitOutput(output string) (text string, data []perfdatum) {
	output = strings.ToValidUTF8(output, "\uFFFD")
	first, rest, _ := strings.Cut(strings.TrimLeft(output, "\r\n"), "\n")
	text, perf, _ := strings.Cut(first, "|")
	_, more, _ := strings.Cut(rest, "|")
	return strings.TrimSpace(text), append(parsePerfdata(perf), parsePerfdata(more)...)
}

// parsePerfdata reads "label=value[unit][;warn[;crit[;min[;max]]]]" as often as it
// is there. What it cannot read it leaves out.
func parsePerfdata(text string) []perfdatum {
	var data []perfdatum
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return data
		}
		label, rest, ok := cutLabel(text)
		if !ok {
			return data
		}
		field := rest
		if end := strings.IndexAny(rest, " \t\r\n"); end >= 0 {
			field = rest[:end]
		}
		text = rest[len(field):]
		value, _, _ := strings.Cut(field, ";")
		number, unit, ok := cutNumber(strings.TrimRight(value, ",")) // one at the end is of a list
		if ok && label != "" {
			data = append(data, perfdatum{strings.ReplaceAll(label, ":", "_"), number, unit})
		}
	}
}

// cutLabel reads a label and the equals sign after it. A label in single quotes may
// have blanks and equals signs; two of the quotes stand for one.
func cutLabel(text string) (label, rest string, ok bool) {
	if text[0] != '\'' {
		label, rest, ok = strings.Cut(text, "=")
		if i := strings.LastIndexAny(label, " \t\r\n"); i >= 0 {
			label = label[i+1:] // words before it belong to nothing
		}
		return label, rest, ok
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] != '\'':
			b.WriteByte(text[i])
		case i+1 < len(text) && text[i+1] == '\'':
			b.WriteByte('\'')
			i++
		default:
			rest, ok = strings.CutPrefix(text[i+1:], "=")
			return b.String(), rest, ok
		}
	}
	return "", "", false
}

// cutNumber reads a number and the unit after it. U, for unknown, is not a number, nor
// is what has a comma without a digit after it.
func cutNumber(text string) (number float64, unit string, ok bool) {
	end := 0
	for end < len(text) && strings.IndexByte("+-.,0123456789", text[end]) >= 0 {
		end++
	}
	if strings.HasSuffix(text[:end], ",") {
		return 0, "", false
	}
	// An exponent is not a unit; a unit that begins with an e has no digit after it.
	if e := end; e > 0 && e < len(text) && (text[e] == 'e' || text[e] == 'E') {
		e++
		if e < len(text) && (text[e] == '+' || text[e] == '-') {
			e++
		}
		digits := e
		for e < len(text) && text[e] >= '0' && text[e] <= '9' {
			e++
		}
		if e > digits {
			end = e
		}
	}
	number, err := strconv.ParseFloat(decimalPoint(text[:end]), 64)
	if err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
		return 0, "", false
	}
	return number, perfUnit(text[end:]), true
}

// decimalPoint replaces the decimal comma of plugins that print numbers in the way of their
// language by a point. Performance data have no thousands separators; where a comma
// could be one after all, since there is another or a point too, it is left, and the
// number cannot be read.
func decimalPoint(number string) string {
	if strings.Count(number, ",") != 1 || strings.Contains(number, ".") {
		return number
	}
	return strings.Replace(number, ",", ".", 1)
}

// perfUnit is the unit in words where Nagios' are short; others stay as they are.
func perfUnit(unit string) string {
	switch unit {
	case "s":
		return "seconds"
	case "%":
		return "percent"
	case "B":
		return "bytes"
	}
	return unit
}
