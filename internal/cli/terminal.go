package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The exit codes of commands, but for those of Status.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2
)

// Terminal is where a command writes to.
type Terminal struct {
	Out, Err io.Writer
	// Color asks for escape sequences, JSON for a machine's form.
	Color, JSON bool
	// Width is how many characters a line may have; 0 for any number.
	Width int
}

func (t *Terminal) fail(err error) int {
	fmt.Fprintf(t.Err, "health_exporter: error: %s\n", err)
	return ExitFailed
}

func (t *Terminal) writeJSON(v any) int {
	e := json.NewEncoder(t.Out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return t.fail(err)
	}
	return ExitOK
}

// table writes rows under headings, in columns that fit the terminal.
func (t *Terminal) table(headings []string, rows [][]string) {
	widths := make([]int, len(headings))
	all := append([][]string{headings}, rows...)
	for _, row := range all {
		for i := range row {
			row[i] = printable(row[i])
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	t.fit(widths)
	for n, row := range all {
		var line strings.Builder
		for i, cell := range row {
			cell = shortened(cell, widths[i])
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2)
			if i == len(row)-1 {
				pad = ""
			}
			line.WriteString(t.colored(cell, n == 0) + pad)
		}
		fmt.Fprintln(t.Out, strings.TrimRight(line.String(), " "))
	}
}

// leastColumn is what is left of a column at least, so that it can be read.
const leastColumn = 12

// fit takes from the widest columns what is too much.
func (t *Terminal) fit(widths []int) {
	over := 2*(len(widths)-1) - t.Width
	for _, w := range widths {
		over += w
	}
	for ; t.Width > 0 && over > 0; over-- {
		widest := 0
		for i, w := range widths {
			if w >= widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= leastColumn {
			return
		}
		widths[widest]--
	}
}

func shortened(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width-1, 0)]) + "…"
}

// colored gives the words of states their colours, and headings a weight.
func (t *Terminal) colored(cell string, heading bool) string {
	if !t.Color || cell == "" {
		return cell
	}
	code, ok := map[string]string{
		"UNHEALTHY": "1;31", "CRITICAL": "1;31", "FAIL": "1;31", "DEGRADED": "33", "WARNING": "1;33", "WARN": "33",
		"UNKNOWN": "35", "HEALTHY": "32", "OK": "1;32", "PASS": "32", "PAUSED": "2", "MAINTENANCE": "35",
	}[cell]
	if heading {
		code, ok = "1", true
	}
	if !ok {
		return cell
	}
	return "\x1b[" + code + "m" + cell + "\x1b[0m"
}

// age words the time since a moment with its largest units: 3d4h, 12m.
func age(since *time.Time, now time.Time) string {
	if since == nil {
		return "-"
	}
	seconds := int64(max(now.Sub(*since), 0) / time.Second)
	units := []struct {
		name    string
		seconds int64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}
	for i, unit := range units {
		n := seconds / unit.seconds
		if n == 0 && unit.seconds > 1 {
			continue
		}
		text := strconv.FormatInt(n, 10) + unit.name
		if i+1 < len(units) && n < 10 {
			if rest := seconds % unit.seconds / units[i+1].seconds; rest > 0 {
				text += strconv.FormatInt(rest, 10) + units[i+1].name
			}
		}
		return text
	}
	return "0s"
}

func latency(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	return rounded(time.Duration(*seconds * float64(time.Second)))
}
