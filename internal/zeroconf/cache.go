package zeroconf

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

const (
	// missesAllowed are windows in a row without a sign, after which a service is gone.
	missesAllowed = 2
	// newPerMinute bounds how fast targets are added.
	newPerMinute = 120
)

// cache is what has been found and become a target. It is not safe for concurrent use.
type cache struct {
	max    int // of each type
	found  map[string]*item
	apps   map[string]bool
	counts map[string]int       // by type
	there  map[string]time.Time // when each interface was last there

	minute time.Time // when counting of what is new began
	new    int
}

// item is a service, however many interfaces it is heard on.
type item struct {
	entry  Entry
	target prober.Target
	on     map[string]int // by interface: windows in a row without a sign of it
}

func newCache(most int) *cache {
	return &cache{max: most, found: map[string]*item{}, apps: map[string]bool{}, counts: map[string]int{}, there: map[string]time.Time{}}
}

func keyOf(instance, service string) string { return strings.ToLower(instance) + "." + service }

// What has happened to a service.
type event int

const (
	unchanged event = iota
	added
	updated
	refused // there are too many
)

// see notes that a service is there, with the target that it makes.
func (c *cache) see(e Entry, t prober.Target, now time.Time) event {
	key := keyOf(e.Instance, e.Type)
	if known := c.found[key]; known != nil {
		known.on[e.Interface.Name] = 0
		if len(known.on) > 1 && known.entry.Interface.Name != e.Interface.Name {
			return unchanged // the interface that it was found on decides
		}
		t.App = known.target.App
		known.entry = e
		if t.Equal(&known.target) {
			return unchanged
		}
		known.target = t
		return updated
	}
	if c.counts[e.Type] >= c.max || !c.admit(now) {
		return refused
	}
	t.App = c.unique(t.App, e.Type, key)
	c.found[key] = &item{entry: e, target: t, on: map[string]int{e.Interface.Name: 0}}
	c.apps[t.App] = true
	c.counts[e.Type]++
	return added
}

// admit reports whether something new may come, in this minute.
func (c *cache) admit(now time.Time) bool {
	if now.Sub(c.minute) >= time.Minute {
		c.minute, c.new = now, 0
	}
	c.new++
	return c.new <= newPerMinute
}

// unique is the name, or one made of it that no other target has.
func (c *cache) unique(app, service, key string) string {
	if !c.apps[app] {
		return app
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(service, "_"), ".")
	name := fmt.Sprintf("%s (%s)", app, kind)
	h := fnv.New64a()
	for c.apps[name] {
		h.Write([]byte(key))
		name = fmt.Sprintf("%s (%s %06x)", app, kind, h.Sum64()&0xffffff)
	}
	return name
}

// goodbye takes away what has been heard to go, on that interface.
func (c *cache) goodbye(instance, service string, on int) (gone *item) {
	key := keyOf(instance, service)
	known := c.found[key]
	if known == nil || known.entry.Interface.Index != on {
		return nil
	}
	c.remove(key)
	return known
}

// endWindow counts against what was known on the interface but not seen there during
// a window, and returns what is gone.
func (c *cache) endWindow(service, on string, seen map[string]bool) (gone []*item) {
	for key, known := range c.found {
		misses, heard := known.on[on]
		if known.entry.Type != service || !heard || seen[key] {
			continue
		}
		if misses+1 < missesAllowed {
			known.on[on] = misses + 1
			continue
		}
		if delete(known.on, on); len(known.on) == 0 {
			c.remove(key)
			gone = append(gone, known)
		} else if known.entry.Interface.Name == on {
			known.entry.Interface = Interface{} // whichever hears it next decides
		}
	}
	return gone
}

// leave takes away what was known only on interfaces that have not been there for
// a while. An interface that comes back soon changes nothing.
func (c *cache) leave(on []Interface, now time.Time, after time.Duration) (gone []*item) {
	for _, i := range on {
		c.there[i.Name] = now
	}
	for key, known := range c.found {
		for name := range known.on {
			if since, ok := c.there[name]; !ok {
				c.there[name] = now
			} else if now.Sub(since) >= after {
				delete(known.on, name)
			}
		}
		if len(known.on) == 0 {
			c.remove(key)
			gone = append(gone, known)
		}
	}
	for name, since := range c.there {
		if now.Sub(since) >= after {
			delete(c.there, name)
		}
	}
	return gone
}

func (c *cache) remove(key string) {
	known := c.found[key]
	delete(c.found, key)
	delete(c.apps, known.target.App)
	if c.counts[known.entry.Type]--; c.counts[known.entry.Type] == 0 {
		delete(c.counts, known.entry.Type)
	}
}

// targets are all, in the order of their names.
func (c *cache) targets() []prober.Target {
	list := make([]prober.Target, 0, len(c.found))
	for _, known := range c.found {
		list = append(list, known.target)
	}
	slices.SortFunc(list, func(a, b prober.Target) int { return strings.Compare(a.App, b.App) })
	return list
}
