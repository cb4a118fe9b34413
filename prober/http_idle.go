package prober

import (
	"crypto/sha256"
	"crypto/tls"
	"sync"
	"time"
)

// How long and how many connections are kept: longer than the longest interval
// of a registered target, and for one target no more than probe it at once.
const (
	idleTimeout    = 330 * time.Second
	idlePerAddress = 2
)

// connKey distinguishes connections by all that was verified on them, and by who we said
// we are: a request goes only where it would have gone on a connection of its own.
type connKey struct {
	scheme, address string
	host            string      // as it was asked for, of which the server name is made
	options         *tls.Config // another one once a file has changed; nil without TLS
	away            bool        // without our certificate
	header          [sha256.Size]byte
}

func (c *httpConns) key(req *getRequest) (key connKey, err error) {
	key = connKey{
		scheme: req.url.Scheme, address: withPort(req.url), host: req.host,
		away: req.away, header: sha256.Sum256([]byte(req.header)),
	}
	if key.scheme == "https" {
		key.options, err = c.tls.current()
	}
	return key, err
}

// idleConns are the connections kept between probes. They cost no goroutine: a
// peer that hangs up is noticed when its connection is used next.
type idleConns struct {
	mu    sync.Mutex // guards conns
	conns map[connKey][]*httpConn
}

func (i *idleConns) take(key connKey) *httpConn {
	i.mu.Lock()
	defer i.mu.Unlock()
	for list := i.conns[key]; len(list) > 0; {
		last := list[len(list)-1]
		list = list[:len(list)-1]
		if i.conns[key] = list; len(list) == 0 {
			delete(i.conns, key)
		}
		if last.timer.Stop() {
			return last
		} // else it is being closed at this moment
	}
	return nil
}

func (i *idleConns) put(key connKey, conn *httpConn) {
	_ = conn.SetDeadline(time.Time{})
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.conns[key]) >= idlePerAddress {
		conn.Close()
		return
	}
	if i.conns == nil {
		i.conns = map[connKey][]*httpConn{}
	}
	i.conns[key] = append(i.conns[key], conn)
	conn.timer = time.AfterFunc(idleTimeout, func() { i.drop(key, conn) })
}

func (i *idleConns) drop(key connKey, conn *httpConn) {
	conn.Close()
	i.mu.Lock()
	defer i.mu.Unlock()
	for n, each := range i.conns[key] {
		if each == conn {
			i.conns[key] = append(i.conns[key][:n:n], i.conns[key][n+1:]...)
			break
		}
	}
	if len(i.conns[key]) == 0 {
		delete(i.conns, key)
	}
}
