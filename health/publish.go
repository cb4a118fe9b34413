package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"
)

// judge makes a result of what a run ended with.
func (c *cell) judge(began time.Time, told *notes, err error) Result {
	var crash *errPanic
	if err != nil && c.checker.OnError != nil && !errors.As(err, &crash) {
		err = c.checker.OnError(c.check.Name, err)
	}
	now := time.Now()
	r := Result{Outcome: Pass, Err: err, Output: "OK", Time: now, Duration: now.Sub(began)}
	output, said, observations := told.taken()
	r.Observations = observations
	var blocked *errDependency
	var late *timeoutError
	switch {
	case err == nil:
	case errors.As(err, &crash):
		r.Outcome, r.Reason = Fail, FailPanic
	case errors.As(err, &blocked):
		r.Outcome, r.Reason = Reset, FailDependency
	case errors.As(err, &late):
		r.Outcome, r.Reason = Fail, FailTimeout
	case IsWarning(err):
		r.Outcome, r.Reason = Warn, FailError
	default:
		r.Outcome, r.Reason = Fail, FailError
	}
	if r.Err != nil {
		r.Output = r.Err.Error()
	}
	if said && r.Reason != FailTimeout && r.Reason != FailPanic {
		r.Output = output
	}
	ttl := c.check.PassTTL
	if r.Outcome != Pass && r.Outcome != Warn {
		ttl = c.check.FailTTL
	}
	r.Expires = now.Add(max(0, ttl))
	r.Output = jsonable(r.Output)
	for i := range r.Observations {
		r.Observations[i].ObservedValue = jsonable(r.Observations[i].ObservedValue)
	}
	c.redact(&r)
	return r
}

// redact takes secrets out of every text of a result.
func (c *cell) redact(r *Result) {
	clean := c.checker.Redact
	if clean == nil {
		return
	}
	r.Output = redacted(r.Output, clean)
	if r.Err != nil {
		r.Err = &redactedError{clean(r.Err.Error()), r.Err}
	}
	for i := range r.Observations {
		r.Observations[i].ObservedValue = redacted(r.Observations[i].ObservedValue, clean)
	}
}

// redactedError shows another text than the error it stands for.
type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }
func (e *redactedError) Unwrap() error { return e.err }

// publish makes known the result of a run, the first one of it: what a run returns after
// its time is up counts for nothing, but only then may the next run begin.
func (c *cell) publish(f *run, r Result, returned bool) {
	c.mu.Lock()
	if returned {
		c.current = nil
	}
	if f.done {
		c.noLongerHung()
		c.mu.Unlock()
		return
	}
	f.done = true
	before := c.status.Load()
	after := before.next(r)
	after.Hung = !returned
	c.status.Store(after)
	c.checker.tell(Event{Status: after, Before: before.State.Verdict}) // in order, since mu is held
	c.mu.Unlock()
	close(f.finished)
	c.log(before, after)
}

// noLongerHung notes that a run has returned that had passed its timeout; mu is held.
func (c *cell) noLongerHung() {
	if n := *c.status.Load(); n.Hung {
		n.Hung = false
		c.status.Store(&n)
	}
}

// abandon ends the wait for a run whose result counts for nothing: the Checker is
// closed, which the run was told.
func (c *cell) abandon(f *run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = nil
	if !f.done {
		f.done = true
		close(f.finished)
	}
}

// next is the status after one more result.
func (s *Status) next(r Result) *Status {
	n := *s
	n.Result = r
	n.State = s.State.Next(r.Outcome, s.Check.Thresholds)
	if n.State.Verdict != s.State.Verdict {
		n.Since = r.Time
		n.Changes[n.State.Verdict]++
	}
	if n.State.Verdict == Healthy {
		n.LastHealthy = r.Time
	}
	switch r.Outcome {
	case Pass:
		n.Passes++
		n.LastPass = r.Time
	case Warn:
		n.Warns++
	case Fail:
		n.Fails++
		n.Failures = maps.Clone(s.Failures)
		if n.Failures == nil {
			n.Failures = map[FailReason]uint64{}
		}
		n.Failures[r.Reason]++
	}
	return &n
}

// log logs a failure; one that repeats the failure before it only at debug level.
func (c *cell) log(before, after *Status) {
	r := &after.Result
	if r.Outcome != Fail || c.checker.MuteFailures {
		return
	}
	level := slog.LevelError
	if before.Result.Outcome == Fail && before.Result.Text() == r.Text() {
		level = slog.LevelDebug
	}
	c.checker.log().Log(context.Background(), level, fmt.Sprintf("Health check %q failed with output %q", c.check.Name, fmt.Sprint(r.Output)),
		"check", c.check.Name, "reason", string(r.Reason), "err", r.Err)
}
