package server

import (
	"net/netip"
	"sync"

	"github.com/health-exporter/health_exporter/internal/server/access"
)

const (
	// maxWatchersPerAddress bounds how many requests of one address wait for events, and
	// maxWatchers those of all.
	maxWatchersPerAddress = 20
	maxWatchers           = 500
)

// watchers are the requests that wait for something to happen.
type watchers struct {
	mu sync.Mutex
	by map[netip.Prefix]int
	n  int
}

// enter lets one more in, if there is room; it must leave in the end.
func (w *watchers) enter(from netip.Addr) (leave func(), ok bool) {
	place := access.Vicinity(from)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n >= maxWatchers || w.by[place] >= maxWatchersPerAddress {
		return nil, false
	}
	if w.by == nil {
		w.by = map[netip.Prefix]int{}
	}
	w.n++
	w.by[place]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.n--
		if w.by[place]--; w.by[place] == 0 {
			delete(w.by, place)
		}
	}, true
}
