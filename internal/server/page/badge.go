package page

import (
	"fmt"
	"html"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Badge is a small picture with a word and a value.
type Badge struct{ Label, Value, Color string }

// Colours of badges: white text on them has a contrast of 4.5 and more.
const (
	green = "#1a7f37"
	amber = "#8a5a00"
	red   = "#b91c28"
	grey  = "#57606a"
)

func colorOf(v health.Verdict) string {
	switch v {
	case health.Healthy:
		return green
	case health.Degraded:
		return amber
	case health.Unhealthy:
		return red
	}
	return grey
}

// StateBadge shows the state of a subject.
func StateBadge(r *Row) Badge {
	color := colorOf(r.State)
	if r.Paused || r.Maintenance {
		color = grey
	}
	return Badge{r.Name, r.Look(), color}
}

// UptimeBadge shows the share of a span of time.
func UptimeBadge(span string, u Uptime) Badge {
	color := green
	switch {
	case !u.Known:
		color = grey
	case u.Share < 0.95:
		color = red
	case u.Share < 0.99:
		color = amber
	}
	return Badge{"uptime " + span, u.Words(), color}
}

// LatencyBadge shows how long the last probe took.
func LatencyBadge(d time.Duration) Badge {
	if d == 0 {
		return Badge{"latency", "–", grey}
	}
	return Badge{"latency", millis(d), green}
}

// SVG draws the badge. Texts are as wide as textLength says, whatever the font.
func (b Badge) SVG() []byte {
	const pad, height = 6, 20
	left, right := textWidth(b.Label)+2*pad, textWidth(b.Value)+2*pad
	text := func(x, width int, s string) string {
		return fmt.Sprintf(`<text x="%d" y="14" textLength="%d">%s</text>`, x, width, html.EscapeString(s))
	}
	label, value := shorten(b.Label), shorten(b.Value)
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" role="img" aria-label="%s: %s">`+
		`<title>%[3]s: %[4]s</title><clipPath id="r"><rect width="%[1]d" height="%[2]d" rx="3"/></clipPath>`+
		`<g clip-path="url(#r)"><rect width="%[5]d" height="%[2]d" fill="#3b4248"/><rect x="%[5]d" width="%[6]d" height="%[2]d" fill="%[7]s"/></g>`+
		`<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">%[8]s%[9]s</g></svg>`,
		left+right, height, html.EscapeString(label), html.EscapeString(value), left, right, b.Color,
		text(pad, left-2*pad, label), text(left+pad, right-2*pad, value))
}

const maxBadgeText = 40

func shorten(s string) string {
	if runes := []rune(s); len(runes) > maxBadgeText {
		return string(runes[:maxBadgeText-1]) + "…"
	}
	return s
}

// textWidth is about how wide a text is at 11 pixels.
func textWidth(s string) int {
	width := 0.0
	for _, r := range shorten(s) {
		switch {
		case r == 'i' || r == 'l' || r == '.' || r == ' ' || r == '|' || r == ':':
			width += 4
		case r == 'm' || r == 'w' || r == '%' || 'A' <= r && r <= 'Z':
			width += 9
		case r > 0x2e80:
			width += 12
		default:
			width += 6.8
		}
	}
	return max(int(width), 1)
}

// Favicon is the icon of a browser's tab: the shape of a state, with the number of
// what is unhealthy.
func Favicon(v health.Verdict, n int) []byte {
	shape, text := `<circle cx="16" cy="16" r="15"/>`, `<path d="M9 17l5 5 9-11" fill="none" stroke="#fff" stroke-width="3.5"/>`
	switch v {
	case health.Unhealthy:
		number := fmt.Sprint(min(n, 99))
		shape = `<path d="M10 1h12l9 9v12l-9 9H10l-9-9V10z"/>`
		text = `<text x="16" y="23" text-anchor="middle" font-family="sans-serif" font-weight="bold" font-size="20" fill="#fff">` + number + `</text>`
	case health.Degraded:
		shape = `<path d="M16 2 31 30H1z"/>`
		text = `<path d="M16 12v9M16 25v1" stroke="#fff" stroke-width="3.5"/>`
	case health.Unknown:
		text = `<text x="16" y="23" text-anchor="middle" font-family="sans-serif" font-weight="bold" font-size="20" fill="#fff">?</text>`
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><g fill="%s">%s</g>%s</svg>`, colorOf(v), shape, text)
}
