package prober

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// closeAll closes what is kept.
func (i *idleConns) closeAll() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, list := range i.conns {
		for _, conn := range list {
			if conn.timer.Stop() {
				conn.Close()
			}
		}
	}
	clear(i.conns)
}

func TestHealthKeepAlive(t *testing.T) {
	var conns atomic.Int32
	var idle atomic.Bool // the server has noticed that a connection has nothing to do
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/close/health" {
			w.Header().Set("Connection", "close")
		}
		_, _ = io.WriteString(w, strings.Repeat("x", len(r.URL.RawQuery)))
	}), ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
		idle.Store(state == http.StateIdle)
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = server.Serve(l); close(done) }()
	defer func() { server.Close(); <-done }()

	m := healthModule(t, func(p *healthProbe) { p.KeepAlive = true })
	probe := func(path string, want int32) {
		t.Helper()
		for range 5 {
			if res := probeWithin(t, m, 5*time.Second, Request{Target: "http://" + l.Addr().String() + path}); res.Outcome != health.Pass {
				t.Fatalf("%s: %+v", path, res)
			}
		}
		if n := conns.Swap(0); n != want {
			t.Errorf("%s: %d connections for 5 probes, want %d", path, n, want)
		}
	}
	probe("", 1)
	probe("?"+strings.Repeat("x", 5000), 0)
	// What the server has closed is noticed, and asked again.
	for deadline := time.Now().Add(5 * time.Second); !idle.Load() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	server.SetKeepAlivesEnabled(false)
	server.SetKeepAlivesEnabled(true)
	probe("", 1)
	probe("/close", 4)
	noKeep := healthModule(t, nil)
	m = noKeep
	probe("", 5)

	// A connection that is kept does not survive a stricter policy.
	m = healthModule(t, func(p *healthProbe) { p.KeepAlive = true })
	probe("", 1)
	res := probeWithin(t, m, 5*time.Second, Request{Target: "http://" + l.Addr().String(), Network: rules(t, "-127.0.0.0/8")})
	if res.Reason != ReasonPolicy {
		t.Errorf("got %+v, want a refusal", res)
	}
}

func TestHealthIdleConnectionsEnd(t *testing.T) {
	var idle idleConns
	a, b := net.Pipe()
	defer b.Close()
	conn := &httpConn{Conn: a}
	idle.put(connKey{host: "k"}, conn)
	conn.timer.Stop()
	idle.drop(connKey{host: "k"}, conn)
	if len(idle.conns) != 0 {
		t.Errorf("kept %v", idle.conns)
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v, want it closed", err)
	}
}
