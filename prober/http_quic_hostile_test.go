package prober

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// Whatever the peer does, the probe ends by its deadline, with the right reason.
func TestHTTP3HostilePeers(t *testing.T) {
	ca := newAuthority(t)
	leaf := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")}}
	release := make(chan struct{})
	server := serveQUIC(t, leaf, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			select {
			case <-release:
			case <-r.Context().Done():
			}
		case "/dribble":
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "x")
				w.(http.Flusher).Flush()
				select {
				case <-time.After(10 * time.Millisecond):
				case <-r.Context().Done():
				}
			}
		case "/flood":
			piece := bytes.Repeat([]byte("x"), 1<<16)
			for {
				if _, err := w.Write(piece); err != nil {
					return
				}
			}
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("b", 80<<10))
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/short":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "x")
		}
	})
	defer close(release)
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	refused := testport.RefusingUDP(t)
	garbage := serveGarbage(t)
	tests := []struct {
		name, target string
		scheduled    bool
		reason       Reason
		phase        Phase
		status       int
	}{
		{name: "silent port", target: silent.LocalAddr().String(), reason: ReasonTimeout, phase: PhaseConnect},
		{name: "closed port", target: refused, reason: ReasonConnect, phase: PhaseConnect},
		{name: "garbage", target: garbage, reason: ReasonTimeout, phase: PhaseConnect},
		{name: "no answer", target: server + "/silent", reason: ReasonTimeout, phase: PhaseRequest},
		{name: "dribble", target: server + "/dribble", reason: ReasonTimeout, phase: PhaseTransfer, status: 200},
		{name: "flood", target: server + "/flood", reason: ReasonTimeout, phase: PhaseTransfer, status: 200},
		{name: "flood, scheduled", target: server + "/flood", scheduled: true, status: 200},
		{name: "long header", target: server + "/header", reason: ReasonBody, phase: PhaseTransfer},
		{name: "broken off", target: server + "/abort", reason: ReasonBody, phase: PhaseRequest},
		{name: "short", target: server + "/short", reason: ReasonConnect, phase: PhaseTransfer, status: 200},
	}
	const timeout = 500 * time.Millisecond
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			limit := timeout
			if test.reason != ReasonTimeout {
				limit = 10 * time.Second // it shall end by itself
			}
			begin := time.Now()
			res := probeWithin(t, http3Module(t, ca, nil), limit, Request{Target: test.target, Samples: !test.scheduled})
			if took := time.Since(begin); took > limit+250*time.Millisecond {
				t.Errorf("took %s", took)
			}
			if res.Reason != test.reason || res.Phase != test.phase || res.StatusCode != test.status {
				t.Errorf("got %s in %s, status %d: %s", res.Reason, res.Phase, res.StatusCode, res.Error)
			}
			if test.reason == ReasonTimeout && res.Error != "no answer within 500ms" {
				t.Errorf("says %q", res.Error)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		begin := time.Now()
		res := http3Module(t, ca, nil).Probe(ctx, Request{Target: silent.LocalAddr().String()})
		if !res.Inconclusive || time.Since(begin) > 2*time.Second {
			t.Errorf("got %+v after %s", res, time.Since(begin))
		}
	})
}

// serveGarbage answers each packet with one that means nothing.
func serveGarbage(t *testing.T) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { socket.Close(); wg.Wait() })
	wg.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := socket.ReadFrom(buf)
			if err != nil {
				return
			}
			for i := range buf[:n] {
				buf[i] ^= byte(i * 7)
			}
			_, _ = socket.WriteTo(fmt.Appendf(buf[:n], "garbage"), from)
		}
	})
	return socket.LocalAddr().String()
}

// Each probe closes the socket it has opened, whatever came of it.
func TestHTTP3ClosesItsSockets(t *testing.T) {
	testneed.Linux(t, "/proc/self/fd")
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // or a collection may close them
	ca := newAuthority(t)
	addr := serveQUIC(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")}},
		func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/redirect" {
				http.Redirect(w, r, "/", http.StatusFound)
			}
		})
	m := http3Module(t, ca, nil)
	probe := func() {
		_ = probeWithin(t, m, 5*time.Second, Request{Target: addr + "/redirect"})
		_ = probeWithin(t, m, 5*time.Second, Request{Target: addr, Hostname: "no.example"})
	}
	probe()
	before := open()
	for range 5 {
		probe()
	}
	if after := open(); after > before {
		t.Errorf("%d files were open before 10 probes, %d after", before, after)
	}
}
