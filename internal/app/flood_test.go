package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// bystander asks for /livez from another address, until it is told to stop; the longest
// that it waited for the first byte counts.
type bystander struct {
	ended chan struct{}
	stop  context.CancelFunc
	asked int
	worst time.Duration
	err   error
}

func (r *running) bystander() *bystander {
	ctx, stop := context.WithCancel(context.Background())
	b := &bystander{ended: make(chan struct{}), stop: stop}
	go func() {
		defer close(b.ended)
		for ; ctx.Err() == nil || b.asked < 3; time.Sleep(20 * time.Millisecond) {
			took, err := r.firstByte("127.0.0.9", "/livez")
			if err != nil {
				b.err = err
				return
			}
			b.asked++
			b.worst = max(b.worst, took)
		}
	}()
	return b
}

// answered checks that nobody else was locked out: each request has been answered before
// its deadline of ten seconds, where a flood that works keeps others out for minutes. How
// long they waited is logged and not judged, since that depends on the machine.
func (b *bystander) answered(t *testing.T, during string) {
	t.Helper()
	b.stop()
	<-b.ended
	t.Logf("%s: %d requests of others, the slowest took %v to its first byte", during, b.asked, b.worst)
	if b.err != nil {
		t.Errorf("%s: others waited %v; %d requests, %v", during, b.worst, b.asked, b.err)
	}
}

// dial connects from an address of loopback.
func (r *running) dial(from string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	return d.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
}

func (r *running) firstByte(from, path string) (time.Duration, error) {
	begin := time.Now()
	conn, err := r.dial(from)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %d", resp.StatusCode)
	}
	return time.Since(begin), nil
}

// silent accepts connections and says nothing; open counts those that are there.
func silent(t *testing.T) (address string, open *atomic.Int32) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open = new(atomic.Int32)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Add(1)
			all.Go(func() {
				_, _ = io.Copy(io.Discard, conn)
				conn.Close()
				open.Add(-1)
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return l.Addr().String(), open
}

// TestProbesOfThoseWhoAreGone end, though they asked for ever and sent something after
// it, so that the server does not see by itself that they are gone.
func TestProbesOfThoseWhoAreGone(t *testing.T) {
	hole, open := silent(t)
	r := start(t, Options{})
	others := r.bystander()
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for range 1024 / 32 {
				conn, err := r.dial("127.0.0.2")
				if err != nil {
					continue
				}
				fmt.Fprintf(conn, "GET /probe?target=http://%s HTTP/1.1\r\nHost: localhost\r\nX-Prometheus-Scrape-Timeout-Seconds: 100000000\r\n\r\nX", hole)
				conn.Close()
			}
		})
	}
	all.Wait()
	r.eventually("rid of the probes", func() bool { return open.Load() == 0 })
	others.answered(t, "while 1024 probes were asked for")
	if code, body := r.get("/probe?target=http://" + strings.TrimPrefix(r.url, "http://") + "/livez"); code != http.StatusOK || !strings.Contains(body, "probe_success 1") {
		t.Errorf("a probe afterwards: %d %s", code, body)
	}
}

// TestTooManyProbes at once are refused, and those who stay do not hold up others.
func TestTooManyProbes(t *testing.T) {
	hole, open := silent(t)
	r := start(t, Options{MaxAdHocProbes: 10})
	others := r.bystander()
	var refused atomic.Int32
	var all sync.WaitGroup
	done := make(chan struct{})
	for range 60 {
		all.Go(func() {
			conn, err := r.dial("127.0.0.2")
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprintf(conn, "GET /probe?target=http://%s HTTP/1.1\r\nHost: localhost\r\n\r\n", hole)
			answer := make(chan int, 1)
			go func() {
				if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
					answer <- resp.StatusCode
				}
				close(answer)
			}()
			select {
			case code := <-answer:
				if code == http.StatusServiceUnavailable {
					refused.Add(1)
				}
			case <-done:
				conn.Close()
				<-answer
			}
		})
	}
	r.eventually("all were answered or are probed", func() bool { return refused.Load()+open.Load() == 60 })
	if refused.Load() != 50 || open.Load() != 10 {
		t.Errorf("%d were refused, %d are probed", refused.Load(), open.Load())
	}
	others.answered(t, "while 60 probes were asked for")
	close(done)
	all.Wait()
	r.eventually("rid of the probes", func() bool { return open.Load() == 0 })
}

// TestIdleConnections of one address, and then of many, keep nobody else out.
func TestIdleConnections(t *testing.T) {
	r := start(t, Options{})
	for what, address := range map[string]func(i int) string{
		"idle connections of one address": func(int) string { return "127.0.0.2" },
		"idle connections of many":        func(i int) string { return fmt.Sprintf("127.0.1.%d", 1+i%200) },
	} {
		others := r.bystander()
		var conns []net.Conn
		for i := range 1500 {
			conn, err := r.dial(address(i))
			if err != nil {
				t.Fatalf("%s: %d: %v", what, i, err)
			}
			conns = append(conns, conn)
			fmt.Fprint(conn, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
		}
		others.answered(t, "with 1500 "+what)
		for _, conn := range conns {
			conn.Close()
		}
	}
}

// TestSilentConnections, which never ask for anything, keep nobody out either.
func TestSilentConnections(t *testing.T) {
	r := start(t, Options{})
	others := r.bystander()
	for i := range 1500 {
		conn, err := r.dial(fmt.Sprintf("127.0.1.%d", 1+i%200))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	time.Sleep(1500 * time.Millisecond)
	others.answered(t, "with 1500 silent connections")
}

// TestRegistrationsOfOneAddress are slowed down, and those of others are not.
func TestRegistrationsOfOneAddress(t *testing.T) {
	file := t.TempDir() + "/a.yml"
	write(t, file, "access: {proxies: [127.0.0.3]}\nregistration: {max_targets: 300, max_targets_per_address: 120, rate: 1}\n")
	r := start(t, Options{ConfigFile: file})
	register := func(address, app string) (int, http.Header) {
		t.Helper()
		req, _ := http.NewRequest(http.MethodPost, r.url+"/api/v1/targets", strings.NewReader(`{"app": "`+app+`", "url": "http://10.0.0.1"}`))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Forwarded-For", address)
		client := http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return r.dial("127.0.0.3") },
		}}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode, resp.Header
	}
	others := r.bystander()
	codes := map[int]int{}
	for i := range 130 {
		code, header := register("10.0.0.1", fmt.Sprintf("a%d", i))
		codes[code]++
		if code == http.StatusTooManyRequests && header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After: %q", header.Get("Retry-After"))
		}
	}
	others.answered(t, "during 130 registrations")
	if codes[201] < 100 || codes[201] > 110 || codes[201]+codes[429] != 130 {
		t.Errorf("from one address: %v", codes)
	}
	for i := range 100 {
		code, _ := register("10.0.0.2", fmt.Sprintf("b%d", i))
		codes[code]++
	}
	if codes[201] != 150 { // half of all
		t.Errorf("without a token: %v", codes)
	}
	if code, body := r.post("/api/v1/targets", `{"app": "own", "url": "http://10.0.0.1"}`); code != 201 {
		t.Errorf("from the own host: %d %s", code, body)
	}
}
