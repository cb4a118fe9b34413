package prober

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
)

// TestICMPBrokenSocket: a socket from which nothing can be read any more is
// replaced, while probes that have it run into their deadlines.
func TestICMPBrokenSocket(t *testing.T) {
	inNamespace(t, icmpRights{raw: true})
	newEchoHost(t, func(h *echoHost, r echoRequest) { h.reply(r) })
	m := icmpModule(t, nil)
	pinger := m.spec.(*icmpProbe).pinger
	first, err := pinger.acquire(netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := first.conn.SetReadDeadline(time.Unix(1, 0)); err != nil { // each read fails
		t.Fatal(err)
	}
	first.wg.Wait()
	if res := probeWithin(t, m, 5*time.Second, Request{Target: "127.0.0.1"}); res.Outcome != health.Pass {
		t.Errorf("%+v", res)
	}
	pinger.release(first)
}

// TestICMPSocketShared: probes that overlap have one socket for each family, and
// the last of them closes it.
func TestICMPSocketShared(t *testing.T) {
	inNamespace(t, icmpRights{raw: true})
	pinger := icmpModule(t, nil).spec.(*icmpProbe).pinger
	acquire := func(text string) *pingSocket {
		s, err := pinger.acquire(netip.MustParseAddr(text))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b, c := acquire("127.0.0.1"), acquire("127.0.0.2"), acquire("::1")
	if a != b || a == c {
		t.Error("one socket for each family is wanted")
	}
	pinger.release(a)
	if d := acquire("127.0.0.3"); d != a || d.closed.Load() {
		t.Error("the socket was closed although it is in use")
	}
	pinger.release(a)
	pinger.release(a)
	if !a.closed.Load() || c.closed.Load() {
		t.Error("the last to leave closes the socket, and no other")
	}
	pinger.release(c)
	e := acquire("127.0.0.1")
	if e == a {
		t.Error("a closed socket is used again")
	}
	pinger.release(e)
}

// TestICMPSequenceNumbers: a number that waits for its reply is not given again.
func TestICMPSequenceNumbers(t *testing.T) {
	inNamespace(t, icmpRights{raw: true})
	var seen []uint16
	done := make(chan bool, 3)
	newEchoHost(t, func(_ *echoHost, r echoRequest) {
		seen = append(seen, binary.BigEndian.Uint16(r.message[sequenceAt:]))
		done <- true
	})
	pinger := icmpModule(t, nil).spec.(*icmpProbe).pinger
	addr := netip.MustParseAddr("127.0.0.1")
	s, err := pinger.acquire(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer pinger.release(s)
	e := s.begin(addr, 3)
	defer e.end()
	for i, next := range []uint16{0xffff, 0xffff, 0xffff} {
		s.mu.Lock()
		s.next = next
		s.mu.Unlock()
		if err := e.send(i); err != nil {
			t.Fatal(err)
		}
		<-done
	}
	if diff := cmp.Diff([]uint16{0xffff, 0, 1}, seen); diff != "" {
		t.Error(diff)
	}
}
