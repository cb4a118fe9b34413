package prober

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// overPipe holds the module's dialogue with a peer at the other end of a pipe. In a
// bubble the time it takes is exact, however busy the machine is.
func overPipe(ctx context.Context, m *Module, serve func(net.Conn)) Result {
	near, far := net.Pipe()
	ended := make(chan struct{})
	go func() { serve(far); far.Close(); close(ended) }()
	p := m.spec.(*tcpProbe)
	d := &dialogueRun{Dialogue: &p.Dialogue, req: &Request{Samples: true}, config: func() (*tls.Config, error) {
		return p.certificates.config("peer.test")
	}}
	limit, begin := timeLimit(ctx), time.Now()
	res := d.result(ctx, limit, d.run(ctx, near), nil)
	res.Duration = time.Since(begin)
	<-ended // the peer sees that we have hung up
	return res
}

// A peer that does not answer, or not enough, or does not read, cannot hold a probe:
// it ends when its time is up, or it is cancelled, and not later.
func TestDialogueDeadline(t *testing.T) {
	const connected = "failed_due_to_bytes failed_due_to_regex"
	says := func(text string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = io.WriteString(conn, text)
			silent(conn)
		}
	}
	expecting := func(steps ...QueryResponse) func(*tcpProbe) {
		return func(p *tcpProbe) { p.QueryResponse = steps }
	}
	deaf := func(conn net.Conn) { // reads next to nothing until we hang up
		buf := make([]byte, 1)
		for {
			if _, err := conn.Read(buf); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	for _, test := range []struct {
		name  string
		serve func(net.Conn)
		set   func(*tcpProbe)
		phase Phase
		names string
	}{
		{"silence", silent, expecting(QueryResponse{Expect: re("x")}), PhaseRequest, connected},
		{"half a line", says("half"), expecting(QueryResponse{Expect: re("half")}), PhaseTransfer, connected},
		{"another line", says("one\n"), expecting(QueryResponse{Expect: re("two")}), PhaseTransfer, connected},
		{"half the bytes", says("ha"), expecting(QueryResponse{ExpectBytes: "half"}), PhaseTransfer, connected},
		{"no handshake", silent, func(p *tcpProbe) { p.TLS = true }, PhaseTLS, ""},
		{"no STARTTLS", says("go\n"), expecting(QueryResponse{Expect: re("go"), StartTLS: true}), PhaseTLS, connected},
		{"does not read", deaf, expecting(QueryResponse{Send: strings.Repeat("x", 1<<10)}), PhaseRequest, connected},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := tcpModule(t, test.set)
			const timeout = 300 * time.Millisecond
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				res := overPipe(ctx, m, test.serve)
				if res.Duration != timeout {
					t.Errorf("took %s, want %s", res.Duration, timeout)
				}
				checkResult(t, res, Result{Outcome: health.Fail, Reason: ReasonTimeout, Phase: test.phase})
				if res.Error != "no answer within 300ms" {
					t.Errorf("says %q", res.Error)
				}
				if got := namesOf(res.Samples); got != test.names {
					t.Errorf("metrics %s, want %s", got, test.names)
				}
				if test.names != "" {
					checkValues(t, res, map[string]float64{"probe_failed_due_to_regex": 0, "probe_failed_due_to_bytes": 0})
				}
			})
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				time.AfterFunc(timeout, cancel)
				res := overPipe(ctx, m, test.serve)
				if res.Duration != timeout {
					t.Errorf("cancelled after %s, ended after %s", timeout, res.Duration)
				}
				checkResult(t, res, cancelledIn(test.phase))
			})
		})
	}
}

// cancelledIn is the result of a probe that was cancelled in that phase.
func cancelledIn(phase Phase) Result {
	res := cancelled("the probe was cancelled")
	res.Phase = phase
	return res
}

// checkHeld checks that a silent peer at a real socket holds no probe. serve is handed
// to the listener that the target is at.
func checkHeld(t *testing.T, m *Module, listen func(serve func(net.Conn)) (target string)) {
	t.Helper()
	accepted := make(chan struct{}, 2)
	target := listen(func(conn net.Conn) {
		accepted <- struct{}{}
		silent(conn)
	})
	const timeout = 300 * time.Millisecond
	res := probeWithin(t, m, timeout, Request{Target: target})
	if res.Reason != ReasonTimeout || res.Duration < timeout {
		t.Errorf("after %s: %s (%s)", res.Duration, res.Reason, res.Error)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	go func() { <-accepted; cancel() }()
	res = m.Probe(ctx, Request{Target: target}) // or an accept of the first one ends it sooner
	if !res.Cancelled || res.Outcome != health.Fail {
		t.Errorf("cancelled: %+v", res)
	}
}
