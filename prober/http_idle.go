package prober

import (
	"sync"
	"time"
)

// How long and how many connections are kept: longer than the longest interval
// of a registered target, and for one target no more than probe it at once.
const (
	idleTimeout    = 330 * time.Second
	idlePerAddress = 2
)

// idleConns are the connections kept between probes. They cost no goroutine: a
// peer that hangs up is noticed when its connection is used next.
type idleConns struct {
	mu    sync.Mutex // guards conns
	conns map[string][]*httpConn
}

func (i *idleConns) take(key string) *httpConn {
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

func (i *idleConns) put(key string, conn *httpConn) {
	_ = conn.SetDeadline(time.Time{})
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.conns[key]) >= idlePerAddress {
		conn.Close()
		return
	}
	if i.conns == nil {
		i.conns = map[string][]*httpConn{}
	}
	i.conns[key] = append(i.conns[key], conn)
	conn.timer = time.AfterFunc(idleTimeout, func() { i.drop(key, conn) })
}

func (i *idleConns) drop(key string, conn *httpConn) {
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
