package registry

import (
	"maps"
	"slices"

	"github.com/health-exporter/health_exporter/prober"
)

// Changes are what differs in the effective set from what it was when they were last
// asked for, and what is gone, at one moment: what was a target and is none any more is
// in either the one or the other.
type Changes struct {
	// All says that Targets is the whole set: what is not in it is no target any more.
	All bool
	// Targets are those that are new or differ, sorted by name. They may not be changed; a
	// pointer stays the same while the target does.
	Targets []*prober.Target
	// Removed are the names of those that are none any more, sorted.
	Removed []string
	// Gone are all tombstones, by name. They may not be changed.
	Gone []Tombstone
}

// Changes are taken by the caller: the next call has those since this one. The
// first call, one that wants all, and one after which there were more than there are
// targets, has the whole set.
func (r *Registry) Changes(all bool) Changes {
	r.mu.Lock()
	defer r.mu.Unlock()
	apps, everything := r.news.take()
	c := Changes{All: all || everything, Gone: r.goneLocked()}
	if c.All {
		c.Targets = r.listedLocked()
		return c
	}
	for _, app := range apps {
		if t := r.effective[app]; t != nil {
			c.Targets = append(c.Targets, t)
		} else {
			c.Removed = append(c.Removed, app)
		}
	}
	return c
}

// news are the names of the apps that have changed since the last call of Changes.
type news struct {
	apps map[string]struct{}
	all  bool // they are too many to be named
}

// fewNews is how many names are kept, however few targets there are.
const fewNews = 1000

// note takes in that an app has changed, of about as many as there are.
func (n *news) note(app string, targets int) {
	if n.all {
		return
	}
	if n.apps == nil {
		n.apps = map[string]struct{}{}
	}
	if n.apps[app] = struct{}{}; len(n.apps) > targets+fewNews {
		n.apps, n.all = nil, true
	}
}

func (n *news) take() (apps []string, all bool) {
	apps, all = slices.Sorted(maps.Keys(n.apps)), n.all
	*n = news{}
	return apps, all
}
