package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// span words a length of time in its two largest units: "3 d 4 h", "12 min", "8 s".
func span(d time.Duration) string {
	d = max(d, 0)
	units := []struct {
		name string
		size time.Duration
	}{{"y", 365 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	for i, u := range units {
		if d < u.size {
			continue
		}
		text := fmt.Sprintf("%d %s", d/u.size, u.name)
		if i+1 < len(units) && u.size > time.Minute {
			if rest := d % u.size / units[i+1].size; rest > 0 {
				text += fmt.Sprintf(" %d %s", rest, units[i+1].name)
			}
		}
		return text
	}
	return "0 s"
}

// millis words a latency with three digits at most: "0.84 ms", "12.3 ms", "1.20 s".
func millis(d time.Duration) string {
	value, unit := d.Seconds()*1000, "ms"
	if value >= 999.5 {
		value, unit = d.Seconds(), "s"
	}
	digits := 2
	switch {
	case value >= 99.95:
		digits = 0
	case value >= 9.995:
		digits = 1
	}
	return strconv.FormatFloat(value, 'f', digits, 64) + " " + unit
}

// percent words a share. Only what is nothing but up is 100 %: a share that would be
// rounded up to it is cut off.
func percent(share float64) string {
	if share >= 1 {
		return "100 %"
	}
	cut := math.Floor(share*1e4) / 100
	return strconv.FormatFloat(cut, 'f', 2, 64) + " %"
}

// Words is the share in words: "99.98 %", or a dash if nobody knows.
func (u Uptime) Words() string {
	if !u.Known {
		return "–"
	}
	return percent(u.Share)
}

// Note says how much of the time the share leaves out.
func (u Uptime) Note() string {
	switch {
	case !u.Known:
		return "no data yet"
	case u.Unknown < time.Second:
		return "of all the time"
	}
	return span(u.Unknown) + " unknown or not counted"
}

// plural is "1 target", "2 targets".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// Words counts in words, the worst first: "2 unhealthy, 14 healthy".
func (c Counts) Words() string {
	var parts []string
	for _, each := range []struct {
		n    int
		word string
	}{
		{c.Unhealthy, "unhealthy"},
		{c.Degraded, "degraded"},
		{c.Unknown, "unknown"},
		{c.Healthy, "healthy"},
		{c.Maintenance, "in maintenance"},
		{c.Paused, "paused"},
	} {
		if each.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", each.n, each.word))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// Headline is the verdict in one sentence.
func (o *Overview) Headline() string {
	c := o.Counts
	judged := c.Total() - c.Paused - c.Maintenance
	switch {
	case c.Total() == 0:
		return "Nothing is monitored yet"
	case c.Unhealthy > 0:
		return o.isAre(c.Unhealthy, "unhealthy")
	case c.Degraded > 0:
		return o.isAre(c.Degraded, "degraded")
	case c.Unknown > 0 && c.Healthy > 0:
		return fmt.Sprintf("%d of %d healthy, the rest unknown", c.Healthy, judged)
	case c.Unknown > 0:
		return "Not known yet"
	case judged == 0:
		return "Everything is paused or in maintenance"
	}
	return "All " + strconv.Itoa(c.Healthy) + " healthy"
}

// isAre names the one that it is about, if it is one: the worst is the first.
func (o *Overview) isAre(n int, what string) string {
	if n == 1 && len(o.Troubled) > 0 {
		return o.Troubled[0].Name + " is " + what
	}
	return strconv.Itoa(n) + " are " + what
}
