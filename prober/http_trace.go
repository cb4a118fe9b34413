package prober

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
	"time"
)

// httpTrace collects when what happened in one round trip. Its hooks are called
// from other goroutines, perhaps even after the round trip has been given up.
type httpTrace struct {
	secure bool

	mu sync.Mutex // guards what follows
	httpTimes
}

// httpTimes are the moments of one round trip; zero for what did not happen.
type httpTimes struct {
	start, dnsDone, connectDone, gotConn time.Time
	tlsStart, tlsDone, firstByte, end    time.Time
}

// hooks are what net/http calls.
func (t *httpTrace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { t.mark(&t.start) },
		DNSDone:  func(httptrace.DNSDoneInfo) { t.mark(&t.dnsDone) },
		ConnectStart: func(_, _ string) {
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.dnsDone.IsZero() { // there was nothing to resolve
				t.start = time.Now()
				t.dnsDone = t.start
			}
		},
		ConnectDone:          func(_, _ string, _ error) { t.mark(&t.connectDone) },
		GotConn:              func(httptrace.GotConnInfo) { t.mark(&t.gotConn) },
		TLSHandshakeStart:    func() { t.mark(&t.tlsStart) },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { t.mark(&t.tlsDone) },
		GotFirstResponseByte: func() { t.mark(&t.firstByte) },
	}
}

func (t *httpTrace) mark(moment *time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*moment = time.Now()
}

// times is what is known by now.
func (t *httpTrace) times() httpTimes {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.httpTimes
}

// phase is how far the round trip had come that ended in the error.
func (t *httpTrace) phase(err error) Phase {
	times := t.times()
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns), !times.start.IsZero() && times.dnsDone.IsZero():
		return PhaseResolve
	case !times.tlsStart.IsZero() && times.gotConn.IsZero(), classify(err) == ReasonTLS:
		return PhaseTLS
	case times.gotConn.IsZero():
		return PhaseConnect
	case times.firstByte.IsZero():
		return PhaseRequest
	}
	return PhaseTransfer
}

// httpPhases are the parts of a probe's duration, summed over its round trips.
type httpPhases struct {
	resolve, connect, tls, processing, transfer time.Duration
}

// phasesOf adds up the round trips. The first one's name was resolved before it began.
func phasesOf(traces []*httpTrace, resolve time.Duration) httpPhases {
	p := httpPhases{resolve: resolve}
	for i, trace := range traces {
		t := trace.times()
		if i != 0 {
			p.resolve += t.dnsDone.Sub(t.start)
		}
		if t.gotConn.IsZero() {
			continue
		}
		if trace.secure {
			p.connect += t.connectDone.Sub(t.dnsDone)
			p.tls += t.tlsDone.Sub(t.tlsStart)
		} else {
			p.connect += t.gotConn.Sub(t.dnsDone)
		}
		if t.firstByte.IsZero() {
			continue
		}
		p.processing += t.firstByte.Sub(t.gotConn)
		if !t.end.IsZero() {
			p.transfer += t.end.Sub(t.firstByte)
		}
	}
	return p
}
