package zeroconf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

const (
	// browseWindow is how long one resolver is used.
	browseWindow = 30 * time.Second
	// lookEvery is the time between looks at the network interfaces.
	lookEvery = 5 * time.Second
	// mostPerWindow is what one resolver may find before it is taken for a flood.
	mostPerWindow = 1000
	// DefaultMaxTargets is the most targets of one type of service.
	DefaultMaxTargets = 64
)

var errNoInterface = errors.New("there is no network interface that can multicast")

// Browser keeps the targets that are found on the network.
type Browser struct {
	Network Network
	// Services are the types to look for.
	Services []string
	// Interfaces to browse on, by name; none means all but those of containers.
	Interfaces []string
	// MaxTargets bounds the targets of each type; 0 means DefaultMaxTargets.
	MaxTargets int
	Policy     Policy
	// Known are services found before: they are targets until they turn out to be gone.
	Known []Entry
	// OwnPort is where this very program listens, which is not a target; 0 for nowhere.
	OwnPort int
	// Changed is called with all targets when they have changed.
	Changed func([]prober.Target)
	// Log must not be nil.
	Log *slog.Logger

	telling sync.Mutex // makes calls of Changed one at a time; taken before mu

	mu     sync.Mutex // protects all following fields
	cache  *cache
	up     bool
	events map[string]uint64
	drops  map[string]uint64
	faults uint64
	warned string // the last error that was logged
	away   int    // how often the program did not run for a while
}

// Run browses until ctx is done. The targets stay as they are then.
func (b *Browser) Run(ctx context.Context) {
	b.Prepare()
	for ctx.Err() == nil {
		list, err := b.Network.Interfaces()
		on := choose(list, b.Interfaces)
		if err != nil || len(on) == 0 {
			b.fail(cmp.Or(err, errNoInterface))
			b.dropAbsent(nil)
			b.rest(ctx, lookEvery)
			continue
		}
		b.dropAbsent(on)
		b.window(ctx, on)
	}
}

// Prepare makes targets of what is known, so that they are there before Run, which
// does it otherwise.
func (b *Browser) Prepare() {
	b.mu.Lock()
	ready := b.cache != nil
	if b.MaxTargets <= 0 {
		b.MaxTargets = DefaultMaxTargets
	}
	if !ready {
		b.cache, b.events, b.drops = newCache(b.MaxTargets), map[string]uint64{}, map[string]uint64{}
	}
	b.mu.Unlock()
	if ready || len(b.Known) == 0 {
		return
	}
	list, err := b.Network.Interfaces()
	if err != nil {
		b.fail(err)
	}
	for _, e := range b.Known {
		if !slices.Contains(b.Services, e.Type) {
			continue
		}
		for _, i := range list {
			if i.Name == e.Interface.Name {
				e.Interface = i // its addresses may be others by now
			}
		}
		if t, reason := b.Policy.target(&e); reason == "" {
			b.mu.Lock()
			b.cache.see(e, t, time.Now())
			b.mu.Unlock()
		}
	}
	b.tell()
}

// window browses for all types on all interfaces, each with a resolver of its own,
// until it is over or the interfaces are others.
func (b *Browser) window(ctx context.Context, on []Interface) {
	ctx, cancel := context.WithTimeout(ctx, browseWindow)
	defer cancel()
	b.mu.Lock()
	b.up = true // until something fails
	b.mu.Unlock()
	w := &watched{away: b.timesAway(), over: make(chan struct{})}
	var work sync.WaitGroup
	work.Go(func() {
		if err := b.Network.Listen(ctx, on, b.heard); err != nil {
			b.fail(err)
		}
	})
	for _, i := range on {
		for _, service := range b.Services {
			work.Go(func() { b.browse(ctx, w, service, i, on) })
		}
	}
	for b.rest(ctx, lookEvery) {
		list, err := b.Network.Interfaces()
		if now := choose(list, b.Interfaces); err == nil && !slices.EqualFunc(now, on, Interface.equal) {
			cancel()
		}
	}
	close(w.over)
	work.Wait()
}

// watched is a window of whose end it is known whether the program ran all the time.
type watched struct {
	away int           // how often it had not, before
	over chan struct{} // closed when it is known
}

// pause waits, and reports whether ctx is not done.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// browse is one resolver's window. What was not seen is counted against only if the
// window came to its end, and the program ran meanwhile.
func (b *Browser) browse(window context.Context, w *watched, service string, i Interface, all []Interface) {
	ctx, flooded := context.WithCancel(window)
	defer flooded()
	seen, found := map[string]bool{}, 0
	err := b.Network.Browse(ctx, service, i, func(e Entry) {
		if found++; found > mostPerWindow {
			flooded()
			return
		}
		if b.see(e, all) {
			seen[keyOf(e.Instance, e.Type)] = true
		}
	})
	if err != nil {
		b.fail(err)
		return
	}
	if found > mostPerWindow {
		b.fail(fmt.Errorf("more than %d of %s are announced on %s; looking for it pauses", mostPerWindow, service, i.Name))
		return
	}
	<-w.over
	if window.Err() != context.DeadlineExceeded || b.timesAway() != w.away {
		return
	}
	b.mu.Lock()
	gone := b.cache.endWindow(service, i.Name, seen)
	b.mu.Unlock()
	b.removed(gone, "removed")
}

// see takes note of a service, and reports whether it is a target.
func (b *Browser) see(e Entry, all []Interface) bool {
	if e.Port == b.OwnPort && slices.ContainsFunc(e.Addresses, e.Interface.has) {
		return false
	}
	t, reason := b.Policy.target(&e)
	if reason == ReasonNetwork && b.elsewhere(&e, all) {
		return false
	}
	b.mu.Lock()
	what := refused
	if reason == "" {
		if what = b.cache.see(e, t, time.Now()); what == refused {
			reason = ReasonCap
		}
	}
	switch {
	case reason != "":
		b.drops[reason]++
	case what == added:
		b.events["added"]++
	case what == updated:
		b.events["updated"]++
	}
	b.mu.Unlock()
	switch what {
	case refused:
		b.Log.Debug("a service on the network does not become a target", "name", e.Instance, "service", e.Type, "reason", reason)
		return false
	case added, updated:
		b.Log.Info("found a service on the network", "name", e.Instance, "service", e.Type, "target", t.Place())
		b.tell()
	}
	return true
}

// elsewhere reports whether a service is rather a matter of another interface: what is
// said there can be heard here, too.
func (b *Browser) elsewhere(e *Entry, all []Interface) bool {
	for i := range all {
		for _, addr := range e.Addresses {
			if all[i].Name != e.Interface.Name && b.Policy.allows(addr, &all[i]) {
				return true
			}
		}
	}
	return false
}

// heard removes at once what sends a goodbye.
func (b *Browser) heard(h Heard) {
	if !h.Goodbye || !slices.Contains(b.Services, h.Type) {
		return
	}
	b.mu.Lock()
	gone := b.cache.goodbye(h.Instance, h.Type, h.Interface)
	b.mu.Unlock()
	if gone != nil {
		b.removed([]*item{gone}, "goodbye")
	}
}

// dropAbsent removes what was known only on interfaces that have been away for long.
func (b *Browser) dropAbsent(on []Interface) {
	b.mu.Lock()
	gone := b.cache.leave(on, time.Now(), missesAllowed*browseWindow)
	b.mu.Unlock()
	b.removed(gone, "removed")
}

func (b *Browser) removed(gone []*item, what string) {
	if len(gone) == 0 {
		return
	}
	b.mu.Lock()
	b.events[what] += uint64(len(gone))
	b.mu.Unlock()
	for _, each := range gone {
		b.Log.Info("a service on the network is gone", "name", each.entry.Instance, "service", each.entry.Type, "how", what)
	}
	b.tell()
}

// tell passes the targets on, which may take as long as a disk does. The lock makes sure
// that the last is also the newest.
func (b *Browser) tell() {
	b.telling.Lock()
	defer b.telling.Unlock()
	b.mu.Lock()
	targets := b.cache.targets()
	b.mu.Unlock()
	b.Changed(targets)
}

func (b *Browser) fail(err error) {
	b.mu.Lock()
	b.up = false
	if err == nil {
		b.mu.Unlock()
		return
	}
	b.faults++
	text := err.Error()
	said := text == b.warned
	b.warned = text
	b.mu.Unlock()
	if !said {
		b.Log.Warn("services on the network may be missed; trying again", "err", err)
	}
}

// Entries are the services that are targets, for another Browser's Known.
func (b *Browser) Entries() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []Entry
	if b.cache != nil {
		for _, known := range b.cache.found {
			list = append(list, known.entry)
		}
	}
	slices.SortFunc(list, func(x, y Entry) int {
		return slices.Compare([]string{x.Instance, x.Type}, []string{y.Instance, y.Type})
	})
	return list
}

// BrowserStats are figures about browsing.
type BrowserStats struct {
	// Up says that the last attempt to browse was successful.
	Up bool
	// Targets counts them by the type of service.
	Targets map[string]int
	// Events counts what was added, updated, removed, or gone by goodbye; Dropped what
	// did not become a target, by reason.
	Events, Dropped map[string]uint64
	Errors          uint64
}

// Stats may be called at any time.
func (b *Browser) Stats() BrowserStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := BrowserStats{Up: b.up, Targets: map[string]int{}, Events: maps.Clone(b.events), Dropped: maps.Clone(b.drops), Errors: b.faults}
	for _, service := range b.Services {
		s.Targets[service] = 0
		if b.cache != nil {
			s.Targets[service] = b.cache.counts[service]
		}
	}
	return s
}
