package zeroconf

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// nameCheck is how long to listen for others of our name before taking it.
	nameCheck = 750 * time.Millisecond
	// selfCheck is how often, and selfCheckFor how long, we look for ourselves.
	selfCheck    = time.Minute
	selfCheckFor = 2 * time.Second
	// renameEvery bounds how often others can make us take another name.
	renameEvery = time.Minute
)

// Announcer makes services known on all networks that the host is in, and follows
// the interfaces as they come and go.
type Announcer struct {
	Network Network
	// Name is that of all the services. Another host that has it gives rise to " (2)".
	Name string
	// Services are what to announce; their Instance is filled in.
	Services []Service
	// Interfaces to announce on, by name; none means all but those of containers.
	Interfaces []string
	// Address, if valid, is the only one that is listened on: there is nothing to
	// announce on interfaces that do not have it.
	Address netip.Addr
	// Log must not be nil.
	Log *slog.Logger

	renamed time.Time // Run's own

	mu    sync.Mutex // protects all following fields
	stats AnnouncerStats
}

// AnnouncerStats are figures about announcing.
type AnnouncerStats struct {
	// Up says that the services are announced, on so many Interfaces, under Name.
	Up         bool
	Interfaces int
	Name       string
	// Visible says that we have found ourselves by browsing.
	Visible bool
	// Renamed counts how often the name was another host's.
	Renamed, Errors uint64
}

// Stats may be called at any time.
func (a *Announcer) Stats() AnnouncerStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stats
}

func (a *Announcer) note(change func(*AnnouncerStats)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.stats)
}

// Run announces until ctx is done, and then sends a goodbye.
func (a *Announcer) Run(ctx context.Context) {
	warned := ""
	for ctx.Err() == nil {
		on, err := a.interfaces()
		if err == nil {
			err = a.session(ctx, on)
		}
		a.note(func(s *AnnouncerStats) { s.Up, s.Interfaces, s.Visible = false, 0, false })
		if err == nil {
			continue
		}
		a.note(func(s *AnnouncerStats) { s.Errors++ })
		if text := err.Error(); text != warned {
			warned = text
			a.Log.Warn("not announced on the network, so clients cannot find this exporter by themselves; trying again", "err", err)
		}
		pause(ctx, lookEvery)
	}
}

func (a *Announcer) interfaces() ([]Interface, error) {
	list, err := a.Network.Interfaces()
	if err != nil {
		return nil, err
	}
	list = choose(list, a.Interfaces)
	if a.Address.IsValid() {
		list = slices.DeleteFunc(list, func(i Interface) bool { return !i.has(a.Address) })
	}
	if len(list) == 0 {
		return nil, errNoInterface
	}
	return list, nil
}

// session announces on these interfaces until they are others, the name turns out to
// be another host's, or ctx is done. It sends a goodbye at the end.
func (a *Announcer) session(ctx context.Context, on []Interface) error {
	ctx, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()

	name := a.freeName(ctx, on)
	if ctx.Err() != nil {
		return nil
	}
	for _, s := range a.Services {
		s.Instance = name
		withdraw, err := a.Network.Announce(s, on)
		if err != nil {
			return err
		}
		defer withdraw()
	}
	a.note(func(s *AnnouncerStats) { s.Up, s.Interfaces, s.Name = true, len(on), name })
	a.Log.Info("announced on the network", "name", name, "interfaces", namesOf(on))
	conflict := make(chan struct{}, 1)
	work.Go(func() {
		err := a.Network.Listen(ctx, on, func(h Heard) {
			if a.isConflict(h, name, on) {
				select {
				case conflict <- struct{}{}:
				default:
				}
			}
		})
		if err != nil {
			a.note(func(s *AnnouncerStats) { s.Errors++ })
		}
	})
	work.Go(func() { a.lookForSelf(ctx, name, on) })
	a.await(ctx, on, conflict)
	return nil
}

// await returns when the session has to end.
func (a *Announcer) await(ctx context.Context, on []Interface, conflict <-chan struct{}) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-conflict:
			if time.Since(a.renamed) < renameEvery {
				continue
			}
			a.renamed = time.Now()
			a.Log.Warn("another host announces itself under our name; taking another")
			return
		case <-look.C:
		}
		if now, err := a.interfaces(); err != nil || !slices.EqualFunc(now, on, Interface.equal) {
			return
		}
	}
}

// isConflict reports whether another host uses our name and is to keep it: the one with
// the lowest address.
func (a *Announcer) isConflict(h Heard, name string, on []Interface) bool {
	if h.Goodbye || !strings.EqualFold(h.Instance, name) || !a.offers(h.Type) || len(h.Addresses) == 0 || ownsAny(on, h.Addresses) {
		return false
	}
	for _, i := range on {
		if i.Index != h.Interface {
			continue
		}
		for _, p := range i.Prefixes {
			if p.Addr().Is4() && p.Addr().Less(slices.MinFunc(h.Addresses, netip.Addr.Compare)) {
				return false
			}
		}
	}
	return true
}

func (a *Announcer) offers(service string) bool {
	return slices.ContainsFunc(a.Services, func(s Service) bool { return s.Type == service })
}

func ownsAny(on []Interface, addresses []netip.Addr) bool {
	return slices.ContainsFunc(addresses, func(addr netip.Addr) bool {
		return slices.ContainsFunc(on, func(i Interface) bool { return i.has(addr) })
	})
}

// freeName is the name that no other host has.
func (a *Announcer) freeName(ctx context.Context, on []Interface) string {
	taken := map[string]bool{}
	a.browse(ctx, nameCheck, on, func(e Entry) {
		if len(e.Addresses) > 0 && !ownsAny(on, e.Addresses) && len(taken) < mostPerWindow {
			taken[strings.ToLower(e.Instance)] = true
		}
	})
	name, n := fitting(a.Name, ""), 1
	for taken[strings.ToLower(name)] {
		n++
		name = fitting(a.Name, fmt.Sprintf(" (%d)", n))
	}
	if n > 1 {
		a.note(func(s *AnnouncerStats) { s.Renamed++ })
	}
	return name
}

// fitting is a name cut so that it can be one label with its suffix.
func fitting(name, suffix string) string {
	name = strings.ToValidUTF8(name, "")
	if most := maxInstance - len(suffix); len(name) > most {
		name = strings.ToValidUTF8(name[:most], "")
	}
	return name + suffix
}

// lookForSelf browses for our own services now and then.
func (a *Announcer) lookForSelf(ctx context.Context, name string, on []Interface) {
	warned := false
	for wait := selfCheckFor; pause(ctx, wait); wait = selfCheck {
		visible := false
		a.browse(ctx, selfCheckFor, on, func(e Entry) { visible = visible || strings.EqualFold(e.Instance, name) })
		if ctx.Err() != nil {
			return
		}
		a.note(func(s *AnnouncerStats) { s.Visible = visible })
		if !visible && !warned {
			warned = true
			a.Log.Warn("announced on the network, but not even seen from here; does a firewall block UDP port 5353?")
		}
	}
}

// browse looks for the first of our types on all interfaces for a while.
func (a *Announcer) browse(ctx context.Context, d time.Duration, on []Interface, found func(Entry)) {
	ctx, stop := context.WithTimeout(ctx, d)
	defer stop()
	var work sync.WaitGroup
	var mu sync.Mutex // makes calls of found one at a time
	for _, i := range on {
		work.Go(func() {
			n := 0
			err := a.Network.Browse(ctx, a.Services[0].Type, i, func(e Entry) {
				mu.Lock()
				defer mu.Unlock()
				if n++; n <= mostPerWindow {
					found(e)
				} else {
					stop()
				}
			})
			if err != nil {
				a.note(func(s *AnnouncerStats) { s.Errors++ })
			}
		})
	}
	work.Wait()
}

func namesOf(list []Interface) string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	return strings.Join(names, " ")
}
