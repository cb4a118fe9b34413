package prober

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Lookups remembers, for many probes, which names were found in DNS, so that a name
// server that fails for one name can be told from one that fails for all: the first is
// a fault of the target, the second says nothing about it. The zero value is ready.
type Lookups struct {
	mu      sync.Mutex // protects all following fields
	servers map[string]*nameServer
}

// nameServer is what is known of one, or of those that the system asks.
type nameServer struct {
	found []string      // names that were, in no order
	next  int           // the one to be replaced
	trial chan struct{} // closed when the trial that is under way has ended; nil without one
	ended time.Time     // when the last trial did
	works bool          // what it has shown
}

const (
	// namesKept is how many names there are to try a name server with, and trialTime
	// how long that may take, at the end of a probe that has failed anyway.
	namesKept = 8
	trialTime = time.Second
)

type lookupsKey struct{}

func lookupsOf(ctx context.Context) *Lookups {
	l, _ := ctx.Value(lookupsKey{}).(*Lookups)
	return l
}

// nameError is a name server's failure for one name, while it knows others.
type nameError struct{ err error }

func (e *nameError) Error() string { return e.err.Error() }
func (e *nameError) Unwrap() error { return e.err }

// server is that of the resolver with an address; the caller holds mu.
func (l *Lookups) server(address string) *nameServer {
	s := l.servers[address]
	if s == nil {
		s = &nameServer{}
		if l.servers == nil {
			l.servers = map[string]*nameServer{}
		}
		l.servers[address] = s
	}
	return s
}

// note remembers that a name was found.
func (l *Lookups) note(address, name string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.server(address)
	switch {
	case slices.Contains(s.found, name):
	case len(s.found) < namesKept:
		s.found = append(s.found, name)
	default:
		s.found[s.next] = name
		s.next = (s.next + 1) % namesKept
	}
}

// judge is the error of looking up a name. If that may be for want of a connection of
// our own, a name that was found before shows whether it is.
func (l *Lookups) judge(ctx context.Context, d *dialer, name string, err error) error {
	failed, ok := errors.AsType[*net.DNSError](err)
	if l == nil || !ok || failed.IsNotFound || errors.Is(ctx.Err(), context.Canceled) || !l.works(ctx, d, name) {
		return err
	}
	return &nameError{err}
}

// works reports whether the name server of the dialer answers for another name. Of many
// that want to know at the same time one asks.
func (l *Lookups) works(ctx context.Context, d *dialer, name string) bool {
	l.mu.Lock()
	s := l.server(d.server)
	if trial := s.trial; trial != nil {
		l.mu.Unlock()
		<-trial
		l.mu.Lock()
	}
	defer l.mu.Unlock()
	if !s.ended.IsZero() && time.Since(s.ended) < trialTime {
		return s.works
	}
	others := slices.DeleteFunc(slices.Clone(s.found), func(other string) bool { return other == name })
	if len(others) == 0 || s.trial != nil {
		return false
	}
	s.trial = make(chan struct{})
	l.mu.Unlock()
	works := d.answers(ctx, others)
	l.mu.Lock()
	close(s.trial)
	s.trial, s.works, s.ended = nil, works, time.Now()
	return works
}

// answers reports whether the name server answers for any of the names. A name that is
// found without asking it, such as localhost, shows nothing.
func (d *dialer) answers(ctx context.Context, names []string) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trialTime)
	defer cancel()
	answered := make(chan bool, len(names))
	for _, name := range names {
		go func() { answered <- d.answersFor(ctx, name) }()
	}
	works := false
	for range names { // all of them, so that none outlives the probe
		if <-answered {
			works = true
			cancel()
		}
	}
	return works
}

func (d *dialer) answersFor(ctx context.Context, name string) bool {
	var asked atomic.Bool
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		asked.Store(true)
		if d.resolver.Dial != nil {
			return d.resolver.Dial(ctx, network, address)
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	_, err := resolver.LookupNetIP(ctx, "ip4", name)
	failed, isDNS := errors.AsType[*net.DNSError](err)
	return asked.Load() && (err == nil || isDNS && failed.IsNotFound)
}
