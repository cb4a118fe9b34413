// Package connections bounds how many connections a server has, in all and with each
// address, and ends what is done for clients that are gone.
package connections

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/internal/server/access"
)

// errGone is why a request is given up.
var errGone = errors.New("the client is gone")

// lookEvery is how often clients are looked after.
const lookEvery = 500 * time.Millisecond

// Limit bounds the connections of one http.Server, however it came by its listeners.
type Limit struct {
	// Immutable.
	most, perAddress int
	exempt           func(netip.Addr) bool

	mu   sync.Mutex // guards all following fields
	open map[net.Conn]*connection
	live int                  // those that count
	near map[netip.Prefix]int // the same by address
}

// connection is one of them.
type connection struct {
	conn  net.Conn
	place netip.Prefix
	state http.ConnState
	since time.Time // in that state
	// counts is false once it was told to end.
	counts bool
	cancel context.CancelCauseFunc
}

// New makes a Limit. An address has at most a quarter of all connections, unless it is
// exempt, as that of a proxy is.
func New(most int, exempt func(netip.Addr) bool) *Limit {
	return &Limit{
		most: most, perAddress: max(most/4, 1), exempt: exempt,
		open: map[net.Conn]*connection{}, near: map[netip.Prefix]int{},
	}
}

// Bind has the limit bind a server. It must be called before the server serves.
func (l *Limit) Bind(srv *http.Server) {
	srv.ConnContext = l.opened
	srv.ConnState = l.turned
}

// opened takes in a new connection, and closes it or another one if there are too many.
func (l *Limit) opened(ctx context.Context, conn net.Conn) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	addr := remote(conn)
	c := &connection{conn: conn, place: access.Vicinity(addr), state: http.StateNew, since: time.Now(), counts: true, cancel: cancel}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[conn] = c
	l.live++
	l.near[c.place]++
	if addr.IsValid() && l.near[c.place] > l.perAddress && !l.exempt(addr) {
		l.makeRoom(c, func(other *connection) bool { return other.place == c.place })
	}
	if l.live > l.most {
		l.makeRoom(c, func(*connection) bool { return true })
	}
	return ctx
}

// makeRoom ends the connection that is missed least among some, or else the new one; mu
// is held.
func (l *Limit) makeRoom(c *connection, among func(*connection) bool) {
	victim := c
	for _, other := range l.open {
		switch {
		case !other.counts || other == c || !among(other):
		case other.state == http.StateActive && gone(other.conn):
			other.cancel(errGone)
			l.discount(other)
			return
		case missedLess(other, victim):
			victim = other
		}
	}
	l.discount(victim)
	plain(victim.conn).Close() // TLS would wait for the other side to be told
}

// missedLess reports whether one connection is missed less than the victim so far: first
// who has been idle for longest, then who has not yet asked anything for longest. That
// is the newcomer only if all others are being answered.
func missedLess(other, victim *connection) bool {
	switch other.state {
	case http.StateIdle:
		return victim.state != http.StateIdle || other.since.Before(victim.since)
	case http.StateNew:
		return victim.state == http.StateNew && other.since.Before(victim.since)
	}
	return false
}

// discount has a connection count no more; mu is held.
func (l *Limit) discount(c *connection) {
	if !c.counts {
		return
	}
	c.counts = false
	l.live--
	if l.near[c.place]--; l.near[c.place] == 0 {
		delete(l.near, c.place)
	}
}

// turned notes what a connection does.
func (l *Limit) turned(conn net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.open[conn]
	if c == nil {
		return
	}
	c.state, c.since = state, time.Now()
	if state == http.StateClosed || state == http.StateHijacked {
		l.discount(c)
		delete(l.open, conn)
		c.cancel(errGone)
	}
}

// Watch ends the requests of clients that are gone, until ctx is done. The server itself
// sees that they are only if they have sent nothing after their request.
func (l *Limit) Watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.look()
		}
	}
}

func (l *Limit) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		if c.state == http.StateActive && c.counts && gone(c.conn) {
			c.cancel(errGone)
			l.discount(c)
		}
	}
}

func remote(conn net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// plain is the connection below TLS, if there is TLS.
func plain(conn net.Conn) net.Conn {
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return over.NetConn()
	}
	return conn
}
