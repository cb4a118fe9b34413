package connections

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/health-exporter/health_exporter/internal/testneed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served is a server with a limit, on loopback.
func served(t *testing.T, limit *Limit, handler http.HandlerFunc, over func(*httptest.Server)) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	limit.Bind(s.Config)
	over(s)
	ctx, stop := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { limit.Watch(ctx) })
	t.Cleanup(func() { s.CloseClientConnections(); s.Close(); stop(); watching.Wait() })
	return s
}

func dial(t *testing.T, s *httptest.Server, from string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask sends a request and reads the beginning of the answer.
func ask(conn net.Conn) error {
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	_, err := io.ReadFull(conn, make([]byte, 64))
	conn.SetDeadline(time.Time{})
	return err
}

// settle waits until the server is done with what it was asked: it turns idle only after
// the client has the answer.
func settle(limit *Limit) {
	for busy := true; busy; time.Sleep(time.Millisecond) {
		busy = false
		limit.mu.Lock()
		for _, c := range limit.open {
			busy = busy || c.counts && c.state == http.StateActive
		}
		limit.mu.Unlock()
	}
}

// closed counts the connections that the server has closed.
func closed(conns []net.Conn) (n int) {
	for _, conn := range conns {
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := io.Copy(io.Discard, conn); err == nil || !func() net.Error {
			var target net.Error
			_ = errors.As(err, &target)
			return target
		}().Timeout() {
			n++
		}
	}
	return n
}

func TestLimit(t *testing.T) {
	proxy := netip.MustParseAddr("127.0.0.7")
	limit := New(8, func(addr netip.Addr) bool { return addr == proxy })
	s := served(t, limit, func(http.ResponseWriter, *http.Request) {}, func(s *httptest.Server) { s.Start() })
	var of2, of7 []net.Conn
	for range 5 {
		of2 = append(of2, dial(t, s, "127.0.0.2"))
		if err := ask(of2[len(of2)-1]); err != nil {
			t.Fatal(err)
		}
		settle(limit)
	}
	if n := closed(of2); n != 3 || closed(of2[3:]) != 0 {
		t.Errorf("%d of 5 connections of one address were closed, the last two: %d", n, closed(of2[3:]))
	}
	for range 5 {
		of7 = append(of7, dial(t, s, "127.0.0.7"))
		if err := ask(of7[len(of7)-1]); err != nil {
			t.Fatal(err)
		}
		settle(limit)
	}
	if n := closed(of7); n != 0 {
		t.Errorf("%d connections of a proxy were closed", n)
	}
	for i := range 20 { // the first who come are 2 and 7, which have been idle for longest
		if err := ask(dial(t, s, fmt.Sprintf("127.0.1.%d", i+1))); err != nil {
			t.Fatal(err)
		}
		settle(limit)
	}
	if closed(of2) != 5 || closed(of7) != 5 {
		t.Errorf("of those who came first, %d and %d were closed", closed(of2), closed(of7))
	}
	limit.mu.Lock()
	defer limit.mu.Unlock()
	if limit.live > 8 || len(limit.near) > 8 {
		t.Errorf("%d connections of %d addresses", limit.live, len(limit.near))
	}
}

// TestBusyConnections are not closed for others: they are told to come again.
func TestBusyConnections(t *testing.T) {
	limit := New(2, func(netip.Addr) bool { return false })
	release := make(chan struct{})
	s := served(t, limit, func(http.ResponseWriter, *http.Request) { <-release }, func(s *httptest.Server) { s.Start() })
	var busy []net.Conn
	for i := range 2 {
		conn := dial(t, s, fmt.Sprintf("127.0.0.%d", i+2))
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		busy = append(busy, conn)
	}
	for active := 0; active < 2; time.Sleep(time.Millisecond) {
		limit.mu.Lock()
		active = 0
		for _, c := range limit.open {
			if c.state == http.StateActive {
				active++
			}
		}
		limit.mu.Unlock()
	}
	late := dial(t, s, "127.0.0.9")
	if closed([]net.Conn{late}) != 1 || closed(busy) != 0 {
		t.Error("a busy connection made room for a new one")
	}
	close(release)
	for _, conn := range busy {
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.ReadFull(conn, make([]byte, 64)); err != nil {
			t.Errorf("a busy connection: %v", err)
		}
	}
}

// TestGone ends what is done for a client that has sent more than its request and gone
// away, over TLS too.
func TestGone(t *testing.T) {
	testneed.Linux(t, "what shows that a client has gone")
	for name, over := range map[string]func(*httptest.Server){
		"plain": func(s *httptest.Server) { s.Start() }, "TLS": func(s *httptest.Server) { s.StartTLS() },
	} {
		t.Run(name, func(t *testing.T) {
			begun, ended := make(chan struct{}), make(chan error, 1)
			s := served(t, New(8, func(netip.Addr) bool { return false }), func(_ http.ResponseWriter, r *http.Request) {
				close(begun)
				select {
				case <-r.Context().Done():
					ended <- context.Cause(r.Context())
				case <-time.After(10 * time.Second):
					ended <- nil
				}
			}, over)
			conn := dial(t, s, "127.0.0.2")
			raw := conn
			if name == "TLS" {
				conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
			}
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\nG")
			<-begun
			raw.Close()
			if err := <-ended; err == nil {
				t.Error("the request went on for 10 s")
			}
		})
	}
}
