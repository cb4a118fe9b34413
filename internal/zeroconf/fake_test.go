package zeroconf

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/health-exporter/health_exporter/internal/dnssd"
	"github.com/health-exporter/health_exporter/prober"
)

// fakeNetwork is a network without sockets, for tests in which time is not real.
type fakeNetwork struct {
	mu         sync.Mutex // protects all following fields
	interfaces []Interface
	there      map[string]Entry
	announced  map[string]int // by name and type: how often at the moment
	total      int            // announcements ever
	refuse     error
	browsers   map[int]func(Entry) // called with mu held
	listeners  map[int]func(Heard)
	next       int
}

func newFake(interfaces ...Interface) *fakeNetwork {
	return &fakeNetwork{
		interfaces: interfaces, there: map[string]Entry{}, announced: map[string]int{}, browsers: map[int]func(Entry){}, listeners: map[int]func(Heard){},
	}
}

func testInterface(index int, name string, prefixes ...string) Interface {
	i := Interface{Interface: net.Interface{Index: index, Name: name, Flags: net.FlagUp | net.FlagMulticast}}
	for _, p := range prefixes {
		i.Prefixes = append(i.Prefixes, netip.MustParsePrefix(p))
	}
	return i
}

var eth0 = testInterface(2, "eth0", "10.0.0.1/24")

func (n *fakeNetwork) Interfaces() ([]Interface, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.interfaces), nil
}

func (n *fakeNetwork) set(interfaces ...Interface) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.interfaces = interfaces
}

func (n *fakeNetwork) Announce(s Service, on []Interface) (func(), error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refuse != nil {
		return nil, n.refuse
	}
	key := fmt.Sprintf("%s %s %s", s.Instance, s.Type, namesOf(on))
	n.announced[key]++
	n.total++
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.announced[key]--; n.announced[key] == 0 {
			delete(n.announced, key)
		}
	}, nil
}

func (n *fakeNetwork) Browse(ctx context.Context, service string, on Interface, found func(Entry)) error {
	n.mu.Lock()
	deliver := func(e Entry) {
		if e.Type == service && e.Interface.Name == on.Name {
			e.Interface = on
			found(e)
		}
	}
	for _, e := range n.there {
		deliver(e)
	}
	id := n.next
	n.next++
	n.browsers[id] = deliver
	n.mu.Unlock()
	<-ctx.Done()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.browsers, id)
	return nil
}

func (n *fakeNetwork) Listen(ctx context.Context, _ []Interface, heard func(Heard)) error {
	n.mu.Lock()
	id := n.next
	n.next++
	n.listeners[id] = heard
	n.mu.Unlock()
	<-ctx.Done()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.listeners, id)
	return nil
}

// publish announces a service.
func (n *fakeNetwork) publish(e Entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.there[keyOf(e.Instance, e.Type)] = e
	for _, deliver := range n.browsers {
		deliver(e)
	}
}

// vanish takes a service away without a word.
func (n *fakeNetwork) vanish(e Entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.there, keyOf(e.Instance, e.Type))
}

func (n *fakeNetwork) say(h Heard) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, heard := range n.listeners {
		heard(h)
	}
}

func (n *fakeNetwork) names() (list []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for key := range n.announced {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}

// targetsOf records what a Browser tells.
type targetsOf struct {
	mu    sync.Mutex
	list  []prober.Target
	calls int
}

func (r *targetsOf) changed(list []prober.Target) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list, r.calls = list, r.calls+1
}

func (r *targetsOf) places() (places []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.list {
		places = append(places, t.App+" "+t.Place())
	}
	return places
}

func expect[T any](t *testing.T, what string, got, want []T) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

var errRefused = errors.New("no socket")

func testPolicy() Policy {
	return Policy{
		Interval: prober.DefaultInterval, Timeout: prober.DefaultTimeout,
		KindOf: func(module string) (prober.Kind, bool) {
			kind := map[string]prober.Kind{"health": "health", "http_2xx": "http", "ping": "icmp", "ssh": "tcp", "page": "http"}[module]
			return kind, kind != ""
		},
	}
}

func nas(port int) Entry {
	return Entry{
		Instance: "My NAS", Type: dnssd.HealthCheck, Port: port, Text: []string{"path=/health"},
		Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.7")}, Interface: eth0,
	}
}
