package page

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// stripHeight is that of a strip in its own units; a bucket is one unit wide.
const stripHeight = 10

// look is how a bucket is painted: its class, and its height, so that the strip can
// be read without colours.
type look struct {
	class  string
	height int
	word   string
}

func (c Cell) look() look {
	switch {
	case c.NoData:
		return look{"n", 1, "no data"}
	case c.Paused:
		return look{"n", 2, "paused"}
	case c.Maintenance:
		return look{"m", 6, "maintenance"}
	case c.State == health.Unhealthy:
		return look{"u", 10, "unhealthy"}
	case c.State == health.Degraded:
		return look{"d", 8, "degraded"}
	case c.State == health.Healthy:
		return look{"h", 6, "healthy"}
	}
	return look{"k", 4, "unknown"}
}

// words says what happened in n buckets that are alike.
func (c Cell) words(n int) string {
	l := c.look()
	text := l.word
	switch {
	case l.class == "u":
		text += " " + span(time.Duration(n)*c.Down)
	case l.class == "d":
		text += " " + span(time.Duration(n)*c.Degraded)
	}
	return text
}

// stripSVG draws a strip. Equal neighbours are one rectangle, over which a pattern
// draws the borders of the buckets: most strips are one long healthy stretch.
func stripSVG(cells []Cell, w Window, label string) template.HTML {
	var b strings.Builder
	writeStrip(&b, cells, w, label)
	return template.HTML(b.String()) // numbers, our own words, and a label that is escaped
}

func writeStrip(b *strings.Builder, cells []Cell, w Window, label string) {
	number := strconv.Itoa
	width, height := number(len(cells)), number(stripHeight)
	put(b, `<svg class="strip" viewBox="0 0 `, width, ` `, height, `" preserveAspectRatio="none" role="img" aria-label="`, text(label), `">`)
	for i := 0; i < len(cells); {
		n := 1
		for i+n < len(cells) && cells[i+n] == cells[i] {
			n++
		}
		l := cells[i].look()
		put(b, `<rect class="`, l.class, `" x="`, number(i), `" y="`, number(stripHeight-l.height), `" width="`, number(n), `" height="`, number(l.height),
			`"><title>`, w.words(i, n), `: `, cells[i].words(n), `</title></rect>`)
		i += n
	}
	put(b, `<rect class="g" width="`, width, `" height="`, height, `" fill="url(#grid)"/></svg>`)
}

// put writes all parts.
func put(b *strings.Builder, parts ...string) {
	for _, p := range parts {
		b.WriteString(p)
	}
}

// words is the time of n buckets from the i-th on: "14:00–15:30", or days.
func (w Window) words(i, n int) string {
	if w.Width == 0 {
		if n == 1 {
			return w.day(i).Format("2 Jan")
		}
		return w.day(i).Format("2 Jan") + "–" + w.day(i+n-1).Format("2 Jan")
	}
	from, to := w.At(i), w.At(i+n)
	if from.YearDay() != to.YearDay() {
		return from.Format("Mon 15:04") + "–" + to.Format("Mon 15:04")
	}
	return from.Format("15:04") + "–" + to.Format("15:04")
}

// StripLabel says in words what a strip shows.
func stripLabel(cells []Cell, up Uptime) string {
	var down, degraded time.Duration
	for _, c := range cells {
		down += c.Down
		degraded += c.Degraded
	}
	text := "Uptime " + up.Words()
	if down > 0 {
		text += ", unhealthy " + span(down)
	}
	if degraded > 0 {
		text += ", degraded " + span(degraded)
	}
	return text
}

// The size of a line of latencies, in its own units: as fine as whole numbers need.
const sparkWidth, sparkHeight, sparkEdge = 600, 160, 10

// sparkSVG draws the latencies of the last probes, from zero up.
func sparkSVG(latencies []time.Duration) template.HTML {
	var b strings.Builder
	writeSpark(&b, latencies)
	return template.HTML(b.String()) // nothing but numbers
}

func writeSpark(b *strings.Builder, latencies []time.Duration) {
	if len(latencies) < 2 {
		return
	}
	least, most := latencies[0], latencies[0]
	for _, l := range latencies {
		least, most = min(least, l), max(most, l)
	}
	number := strconv.Itoa
	put(b, `<svg class="spark" viewBox="0 0 `, number(sparkWidth), ` `, number(sparkHeight), `" role="img" aria-label="last `, number(len(latencies)), ` probes: `,
		millis(least), ` to `, millis(most), `"><polyline points="`)
	for i, l := range latencies {
		x := i * sparkWidth / (len(latencies) - 1)
		y := sparkHeight - sparkEdge - int(float64(l)/float64(max(most, 1))*(sparkHeight-2*sparkEdge))
		if i > 0 {
			b.WriteByte(' ')
		}
		put(b, number(x), ",", number(y))
	}
	b.WriteString(`"/></svg>`)
}
