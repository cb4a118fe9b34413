package collector

import (
	"strings"
	"sync/atomic"

	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// rendered holds the labels of a target as they stand on the page.
type rendered struct {
	target *prober.Target
	// head opens the labels of every series: `{target="…"`.
	head string
	// info goes on with the labels of health_target_info: `,url="…",…`.
	info string
}

func render(t *prober.Target) rendered {
	b := appendLabel(make([]byte, 0, 256), '{', "target", clean(t.App))
	head := len(b)
	for _, l := range describe(t) {
		b = appendLabel(b, ',', l.name, l.value)
	}
	text := string(b)
	return rendered{target: t, head: text[:head], info: text[head:]}
}

// labelCache keeps the rendered labels of the targets that were there at the
// last scrape. A target is known by its address: a changed one is another.
type labelCache struct {
	// last is replaced, never changed. Scrapes that race for it lose only work.
	last atomic.Pointer[[]rendered]
}

// of gives the labels of each target of the list, which is sorted by app, in its order.
func (c *labelCache) of(list []*schedule.Status) []rendered {
	var old []rendered
	if last := c.last.Load(); last != nil {
		old = *last
	}
	if covers(old, list) {
		return old
	}
	fresh := make([]rendered, len(list))
	next := 0
	for i, s := range list {
		for next < len(old) && strings.Compare(old[next].target.App, s.Target.App) < 0 {
			next++
		}
		if next < len(old) && old[next].target == s.Target {
			fresh[i] = old[next]
		} else {
			fresh[i] = render(s.Target)
		}
	}
	c.last.Store(&fresh)
	return fresh
}

func covers(old []rendered, list []*schedule.Status) bool {
	if len(old) != len(list) {
		return false
	}
	for i, s := range list {
		if old[i].target != s.Target {
			return false
		}
	}
	return true
}
