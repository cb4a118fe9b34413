package alerting

import (
	"maps"
	"slices"
	"sync"
)

// Cover knows what windows cover, whether they are open or not. To ask costs the same
// however many there are: patterns are looked at once for each name, ahead of time if Learn
// is called when names or windows have changed.
type Cover struct {
	windows         Windows
	everything      bits // windows without names
	targets, groups patterns

	mu    sync.Mutex
	known map[subjectName]bits // which windows cover a name
}

type subjectName struct{ name, group string }

// maxKnown bounds how many answers are remembered of names that nobody lists any more.
const maxKnown = 200_000

// NewCover makes the cover of windows. What an old one (nil for none) knows of windows that
// have not changed stays known.
func NewCover(list Windows, old *Cover) *Cover {
	c := &Cover{windows: list, known: map[subjectName]bits{}, everything: newBits(len(list))}
	fresh := newBits(len(list)) // the windows that old does not know
	from := make([]int, len(list))
	for i := range list {
		w := &list[i]
		if len(w.Targets) == 0 && len(w.Groups) == 0 {
			c.everything.set(i)
		}
		c.targets.add(i, w.Targets)
		c.groups.add(i, w.Groups)
		from[i] = -1
		if old != nil {
			from[i] = slices.IndexFunc(old.windows, func(o Window) bool { return sameCover(&o, w) })
		}
		if from[i] < 0 {
			fresh.set(i)
		}
	}
	if old != nil && c.wild() {
		c.inherit(old, from, fresh)
	}
	return c
}

// inherit takes over what is known of each name, and looks at the rest.
func (c *Cover) inherit(old *Cover, from []int, fresh bits) {
	old.mu.Lock()
	known := maps.Clone(old.known)
	old.mu.Unlock()
	few := &Cover{} // only what is fresh
	for i := range c.windows {
		if fresh.has(i) {
			few.targets.add(i, c.windows[i].Targets)
			few.groups.add(i, c.windows[i].Groups)
		}
	}
	for at, before := range known {
		now := newBits(len(c.windows))
		for i, o := range from {
			if o >= 0 && before.has(o) {
				now.set(i)
			}
		}
		few.match(at, now)
		c.known[at] = now
	}
}

func sameCover(a, b *Window) bool {
	return slices.Equal(a.Targets, b.Targets) && slices.Equal(a.Groups, b.Groups)
}

// Same reports whether it is the cover of these windows.
func (c *Cover) Same(list Windows) bool {
	return slices.EqualFunc(c.windows, list, func(a, b Window) bool { return sameCover(&a, &b) })
}

// Of answers for those windows that count, as those that are open.
func (c *Cover) Of(counts func(w *Window) bool) func(name, group string) bool {
	mask := newBits(len(c.windows))
	all, some := false, false
	for i := range c.windows {
		if counts(&c.windows[i]) {
			mask.set(i)
			all, some = all || c.everything.has(i), true
		}
	}
	return func(name, group string) bool {
		return all || some && c.windowsOf(subjectName{name, group}).meets(mask)
	}
}

// Learn finds out ahead of time which windows cover the names that next gives, and forgets
// others if there are many.
func (c *Cover) Learn(all func(yield func(name, group string) bool)) {
	if !c.wild() {
		return
	}
	listed := map[subjectName]bool{}
	for name, group := range all {
		at := subjectName{name, group}
		listed[at] = true
		c.windowsOf(at)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) > 2*len(listed)+1000 {
		maps.DeleteFunc(c.known, func(at subjectName, _ bits) bool { return !listed[at] })
	}
}

func (c *Cover) wild() bool { return c.targets.wild || c.groups.wild }

func (c *Cover) windowsOf(at subjectName) bits {
	c.mu.Lock()
	covering, known := c.known[at]
	c.mu.Unlock()
	if known {
		return covering
	}
	covering = newBits(len(c.windows))
	c.match(at, covering)
	if !c.wild() {
		return covering // is found as fast as it would be remembered
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKnown {
		clear(c.known)
	}
	c.known[at] = covering
	return covering
}

// match adds the windows that cover a name.
func (c *Cover) match(at subjectName, to bits) {
	c.targets.match(at.name, to)
	if at.group != "" {
		c.groups.match(at.group, to)
	}
}

// bits are a set of small numbers.
type bits []uint64

func newBits(n int) bits { return make(bits, (n+63)/64) }

func (b bits) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bits) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

func (b bits) meets(other bits) bool {
	for i := range b {
		if b[i]&other[i] != 0 {
			return true
		}
	}
	return false
}
