package prober

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Reason says in one word why a probe did not pass. It is a label value: the
// set is closed, what exactly happened is in Result.Error.
type Reason string

// The reasons.
const (
	ReasonNone     Reason = ""
	ReasonDNS      Reason = "dns"      // the name has no address
	ReasonConnect  Reason = "connect"  // no connection: refused, unreachable, reset
	ReasonTLS      Reason = "tls"      // handshake or certificate
	ReasonTimeout  Reason = "timeout"  // the deadline passed
	ReasonStatus   Reason = "status"   // an answer with a wrong code
	ReasonBody     Reason = "body"     // an answer with a wrong or oversized content
	ReasonRedirect Reason = "redirect" // too many redirects, or one to a place we do not follow to
	ReasonPolicy   Reason = "policy"   // the network policy forbids the address
	ReasonInternal Reason = "internal" // our own fault: a panic, no file descriptors, no module
	ReasonCheck    Reason = "check"    // an in-process check says so
)

// Reasons lists every reason a failure can have, in the order of the constants.
func Reasons() []Reason {
	return []Reason{
		ReasonDNS, ReasonConnect, ReasonTLS, ReasonTimeout, ReasonStatus,
		ReasonBody, ReasonRedirect, ReasonPolicy, ReasonInternal, ReasonCheck,
	}
}

// Phase says in one word how far a failed probe had come. Like Reason it is a
// label value of a closed set.
type Phase string

// The phases, in their order.
const (
	PhaseNone     Phase = ""
	PhaseResolve  Phase = "resolve"  // finding the address
	PhaseConnect  Phase = "connect"  // opening the connection
	PhaseTLS      Phase = "tls"      // handshake and certificate
	PhaseRequest  Phase = "request"  // sending, and waiting for the first of the answer
	PhaseTransfer Phase = "transfer" // reading the rest of the answer
	PhaseCheck    Phase = "check"    // holding the answer against the conditions
)

// Result is what one probe found.
type Result struct {
	// Outcome is Pass, Warn or Fail.
	Outcome health.Outcome
	// Reason is ReasonNone unless Outcome is Fail.
	Reason Reason
	// Phase is where the probe failed; empty if it did not, or in none of them.
	Phase Phase
	// Error is for people: what went wrong, in one line; empty if nothing did.
	Error string
	// Inconclusive marks a failure of ours that says nothing about the target,
	// as when file descriptors ran out. It must not change a state.
	Inconclusive bool
	// Cancelled marks an inconclusive probe that was ended before it had a result: its
	// context was cancelled. It counts for nothing, as if it had never begun.
	Cancelled bool
	// Start and Duration are set by Module.Probe.
	Start    time.Time
	Duration time.Duration
	// StatusCode is the HTTP status of the last response; 0 if there was none.
	StatusCode int
	// CertExpiry is when the first certificate of the peer's chain expires; zero without TLS.
	CertExpiry time.Time
	// Report is the health+json body, if the answer had one.
	Report *health.Report
	// BodyError reports whether the answer was called health+json but is not. It does
	// not change the outcome.
	BodyError bool
	// Response is the body of the answer if it is valid JSON of at most 64 KiB.
	Response []byte
	// Samples are the probe_* metrics, if the request asked for them; all are gauges.
	Samples []Sample

	// Steps is the transcript, if the schedule wanted one.
	Steps string
}

// Sample is one gauge of an ad-hoc probe.
type Sample struct {
	Name   string
	Help   string
	Labels []Label
	Value  float64
}

// Label is the name and value of one label.
type Label struct{ Name, Value string }

// Probe makes one attempt and returns when it has a result, at the latest soon
// after the context's deadline. It never panics: a probe that does has failed.
// The module's own timeout, if shorter, bounds the attempt too.
func (m *Module) Probe(ctx context.Context, req Request) (res Result) {
	start := time.Now()
	defer func() {
		if v := recover(); v != nil {
			req.logger().Error("probe panicked", "panic", v, "stack", string(debug.Stack()))
			res = Failure(ReasonInternal, fmt.Errorf("probe panicked: %v", v))
			if m != nil {
				res = m.scrubbed(res)
			}
		}
		res.Start, res.Duration = start, time.Since(start)
		if m != nil && m.observe != nil && !res.Inconclusive {
			m.observe(res.Duration)
		}
	}()
	if m == nil || m.spec == nil {
		return Failure(ReasonInternal, fmt.Errorf("no module to probe with"))
	}
	if m.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, m.timeout)
		defer cancel()
	}
	if req.Lookups != nil {
		ctx = context.WithValue(ctx, lookupsKey{}, req.Lookups)
	}
	req.Log, req.Network = m.scrubbing(req.Log), req.Network.within(m.allow)
	res = m.scrubbed(m.spec.probe(ctx, req))
	if res.Outcome == health.Fail && errors.Is(ctx.Err(), context.Canceled) {
		// Whatever the kind makes of that. What it has measured stays.
		res.Reason, res.Error, res.Inconclusive, res.Cancelled = ReasonInternal, errCancelled, true, true
	}
	return res
}

// errCancelled is what the page and the log of an ad-hoc probe say of it.
const errCancelled = "the probe was cancelled"

// cancelled is the result of a probe that was ended before it had one.
func cancelled(why string) Result {
	return Result{Outcome: health.Fail, Reason: ReasonInternal, Error: why, Inconclusive: true, Cancelled: true}
}

// Failure is the result of a probe that failed for the given reason.
func Failure(reason Reason, err error) Result {
	return Result{Outcome: health.Fail, Reason: reason, Error: err.Error()}
}
