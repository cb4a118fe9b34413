package prober

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// untilOnly is a context whose deadline passes as soon as this many requests, of
// all that have been sent, wait for a reply on the module's socket, which is made
// here. It saves tests of loss from waiting.
func untilOnly(t *testing.T, m *Module, addr string, waiting int, allSent func() bool) context.Context {
	t.Helper()
	pinger := m.spec.(*icmpProbe).pinger
	socket, err := pinger.acquire(netip.MustParseAddr(addr))
	if err != nil {
		t.Fatal(err)
	}
	far, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	c := &earlyDeadline{far, make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(c.passed)
		for far.Err() == nil {
			socket.mu.Lock()
			now := len(socket.waiting)
			socket.mu.Unlock()
			if allSent() && now <= waiting {
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait(); pinger.release(socket) })
	return c
}

// earlyDeadline is a context whose deadline can pass before its time.
type earlyDeadline struct {
	context.Context
	passed chan struct{}
}

func (c *earlyDeadline) Done() <-chan struct{} { return c.passed }

func (c *earlyDeadline) Err() error {
	select {
	case <-c.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// TestICMPSeveral: loss, round-trip times and jitter of several packets.
func TestICMPSeveral(t *testing.T) {
	for _, test := range []struct {
		name     string
		count    int
		maxLoss  float64
		lost     []int // by the order of sending
		want     string
		reason   Reason
		phase    Phase
		received float64
		loss     float64
	}{
		{name: "all arrive", count: 5, received: 5},
		{name: "first is lost", count: 4, lost: []int{0}, want: "1 of 4 packets were lost, at most 0 % may be", reason: ReasonTimeout, phase: PhaseCheck, received: 3, loss: 0.25},
		{name: "as many as may be", count: 10, maxLoss: 0.3, lost: []int{0, 4, 9}, received: 7, loss: 0.3},
		{
			name: "more than may be", count: 10, maxLoss: 0.29, lost: []int{0, 4, 9}, want: "3 of 10 packets were lost, at most 29 % may be",
			reason: ReasonTimeout, phase: PhaseCheck, received: 7, loss: 0.3,
		},
		{name: "one arrives", count: 4, maxLoss: 0.75, lost: []int{0, 1, 3}, received: 1, loss: 0.75},
		{name: "none arrives", count: 3, maxLoss: 0.9, lost: []int{0, 1, 2}, want: "no answer within 5s", reason: ReasonTimeout, phase: PhaseRequest, loss: 1},
	} {
		for _, target := range []string{"127.0.0.1", "::1"} {
			t.Run(test.name+" "+target, func(t *testing.T) {
				inNamespace(t, icmpRights{raw: true})
				var n atomic.Int32
				newEchoHost(t, func(h *echoHost, r echoRequest) {
					if !slices.Contains(test.lost, int(n.Load())) {
						h.reply(r)
					}
					n.Add(1)
				})
				m := icmpModule(t, func(p *icmpProbe) { p.Count, p.MaxLoss, p.Interval = test.count, test.maxLoss, 2*time.Millisecond })
				ctx := untilOnly(t, m, target, len(test.lost), func() bool { return int(n.Load()) == test.count })
				res := m.Probe(ctx, Request{Target: target, Samples: true})
				if res.Error != test.want || res.Reason != test.reason || res.Phase != test.phase || res.Inconclusive {
					t.Errorf("%s in phase %s: %s", res.Reason, res.Phase, res.Error)
				}
				checkValues(t, res, map[string]float64{
					"probe_icmp_packets_sent": float64(test.count), "probe_icmp_packets_received": test.received, "probe_icmp_loss_ratio": test.loss,
				})
				checkRoundTrips(t, res, test.received)
			})
		}
	}
}

// checkRoundTrips: what is known of the times depends on how many are known.
func checkRoundTrips(t *testing.T, res Result, received float64) {
	t.Helper()
	v := valuesOf(res.Samples)
	least, average, most := v["probe_icmp_rtt_seconds{type=min}"], v["probe_icmp_rtt_seconds{type=avg}"], v["probe_icmp_rtt_seconds{type=max}"]
	jitter, hasJitter := v["probe_icmp_jitter_seconds"]
	_, hasTimes := v["probe_icmp_rtt_seconds{type=min}"]
	_, hasHops := v["probe_icmp_reply_hop_limit"]
	switch {
	case hasTimes != (received > 0), hasHops != (received > 0), hasJitter != (received > 1):
		t.Errorf("times: %v, hop limit: %v, jitter: %v", hasTimes, hasHops, hasJitter)
	case hasTimes && !(0 < least && least <= average && average <= most), v["probe_icmp_duration_seconds{phase=rtt}"] != average:
		t.Errorf("round-trip times %g, %g, %g", least, average, most)
	case jitter > most-least:
		t.Errorf("jitter %g is more than %g to %g allow", jitter, least, most)
	}
}

// TestICMPLateReplies: replies count in whatever order they come, and none before
// all have been sent if there is time enough.
func TestICMPLateReplies(t *testing.T) {
	inNamespace(t, icmpRights{raw: true})
	const count = 6
	var held []echoRequest
	newEchoHost(t, func(h *echoHost, r echoRequest) {
		if held = append(held, r); len(held) == count {
			slices.Reverse(held)
			for _, r := range held {
				h.reply(r)
			}
		}
	})
	m := icmpModule(t, func(p *icmpProbe) { p.Count, p.Interval = count, 10*time.Millisecond })
	res := probeWithin(t, m, 5*time.Second, Request{Target: "127.0.0.1", Samples: true})
	checkValues(t, res, map[string]float64{"probe_icmp_packets_received": count, "probe_icmp_loss_ratio": 0})
	v := valuesOf(res.Samples)
	if spread := v["probe_icmp_rtt_seconds{type=max}"] - v["probe_icmp_rtt_seconds{type=min}"]; spread < 0.04 {
		t.Errorf("the first packet waited only %g s longer than the last, 50 ms after it", spread)
	}
}

// TestICMPConcurrent: 500 probes share one socket, and each gets its own answers.
func TestICMPConcurrent(t *testing.T) {
	for name, rights := range map[string]icmpRights{"raw": {raw: true}, "unprivileged": {unprivileged: true, raw: true}} {
		t.Run(name, func(t *testing.T) {
			inNamespace(t, rights)
			const probes = 500
			address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}) }
			answers := func(a netip.Addr) bool { b := a.As4(); return (int(b[2])<<8|int(b[3]))%3 != 0 }
			var held []echoRequest
			var seen atomic.Int32
			newEchoHost(t, func(h *echoHost, r echoRequest) {
				defer seen.Add(1)
				// All at once, the last first, and none of every third.
				if held = append(held, r); len(held) < probes {
					return
				}
				slices.Reverse(held)
				for _, r := range held {
					if answers(r.to) {
						h.reply(r)
					}
				}
			})
			m := icmpModule(t, nil)
			unanswered := 0
			for i := range probes {
				if !answers(address(i + 1)) {
					unanswered++
				}
			}
			ctx := untilOnly(t, m, "127.0.0.1", unanswered, func() bool { return seen.Load() == probes })
			var wg sync.WaitGroup
			var right, wrong atomic.Int32
			for i := range probes {
				wg.Go(func() {
					res := m.Probe(ctx, Request{Target: address(i + 1).String()})
					if (res.Outcome == health.Pass) == answers(address(i+1)) {
						right.Add(1)
					} else if wrong.Add(1) == 1 {
						t.Errorf("%s: %+v", address(i+1), res)
					}
				})
			}
			wg.Wait()
			if right.Load() != probes {
				t.Errorf("%d right and %d wrong results", right.Load(), wrong.Load())
			}
			socket := m.spec.(*icmpProbe).pinger.open[0] // which nobody changes any more
			socket.mu.Lock()
			defer socket.mu.Unlock()
			if len(socket.waiting) > 0 {
				t.Errorf("%d requests are not forgotten", len(socket.waiting))
			}
		})
	}
}
