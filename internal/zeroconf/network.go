package zeroconf

import (
	"context"
	"net"
	"net/netip"
	"slices"

	"github.com/health-exporter/health_exporter/internal/names"
)

// Network is what is needed of multicast DNS. Multicast is the real one.
type Network interface {
	// Interfaces lists all that the host has.
	Interfaces() ([]Interface, error)
	// Announce makes a service known until withdraw is called, which sends a goodbye.
	Announce(s Service, on []Interface) (withdraw func(), err error)
	// Browse calls found for each service of a type that it hears of, from one goroutine
	// at a time, until ctx is done.
	Browse(ctx context.Context, service string, on Interface, found func(Entry)) error
	// Listen calls heard for everything that is said of services on these interfaces,
	// until ctx is done.
	Listen(ctx context.Context, on []Interface, heard func(Heard)) error
}

// Interface is one way to a network.
type Interface struct {
	net.Interface
	// Prefixes are its addresses with their networks.
	Prefixes []netip.Prefix
}

func (i Interface) has(addr netip.Addr) bool {
	return slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool { return p.Addr() == addr })
}

func (i Interface) loopback() bool { return i.Flags&net.FlagLoopback != 0 }

func (i Interface) equal(j Interface) bool {
	return i.Index == j.Index && i.Name == j.Name && i.Flags == j.Flags && slices.Equal(i.Prefixes, j.Prefixes)
}

// Service is what is announced.
type Service struct {
	Instance string // as a person reads it
	Type     string // such as _http._tcp
	Port     int
	Text     []string
}

// Entry is a service that was found.
type Entry struct {
	Instance  string // as a person reads it
	Type      string
	Port      int
	Text      []string
	Addresses []netip.Addr
	Interface Interface // where it was heard
}

// Heard is what somebody has said of one service.
type Heard struct {
	Instance, Type string
	Goodbye        bool
	Addresses      []netip.Addr // of its host, as far as they were said with it
	Interface      int          // index
}

// hidden are interfaces of containers and bridges, which are not used unless named.
var hidden = []string{"docker*", "veth*", "br-*", "virbr*", "cni*"}

// choose takes the interfaces to use: those named or else, of those that are up and
// can multicast, all but loopback and hidden ones.
func choose(list []Interface, named []string) (chosen []Interface) {
	for _, i := range list {
		if i.Flags&net.FlagUp == 0 || len(i.Prefixes) == 0 {
			continue
		}
		wanted := i.Flags&net.FlagMulticast != 0 && !i.loopback() && !names.MatchAny(hidden, i.Name)
		if len(named) > 0 {
			wanted = slices.Contains(named, i.Name)
		}
		if wanted {
			chosen = append(chosen, i)
		}
	}
	return chosen
}
