package health

import "time"

// Result is the result of the last run of a check. It is immutable.
type Result struct {
	// Outcome is Pass, Warn or Fail; Reset if nothing is known: the check never ran,
	// its result is stale, or a check it depends on fails.
	Outcome Outcome
	// Reason says in one word why Outcome is not Pass.
	Reason FailReason
	// Output is what the check reported with Say, or "OK" if it passed without output: any
	// value that can be encoded as JSON.
	Output any
	// Err is the error of a run that did not pass.
	Err error
	// Observations are what the check has measured.
	Observations []Observation
	// Time is when the run ended; zero if the check never ran.
	Time time.Time
	// Duration is how long it took.
	Duration time.Duration
	// Expires is until when the result is served from the cache.
	Expires time.Time
}

// FailReason says in one word why a check did not pass. The set is closed.
type FailReason string

// The reasons.
const (
	FailNone       FailReason = ""
	FailError      FailReason = "error"      // Run returned an error
	FailTimeout    FailReason = "timeout"    // Run did not return in time
	FailPanic      FailReason = "panic"      // Run panicked, or ended its goroutine
	FailStale      FailReason = "stale"      // the last result is too old
	FailPending    FailReason = "pending"    // there is no result yet
	FailDependency FailReason = "dependency" // a check it depends on does not pass
)

// Status is the status of a check at one moment. It is immutable.
type Status struct {
	// Check is the check with its defaults filled in.
	Check *Check
	// Result is that of the last run, or says that there is none that counts.
	Result Result
	// State is the debounced verdict, and Since when it was reached.
	State State
	Since time.Time
	// LastPass is when a run last passed; zero if none ever did.
	LastPass time.Time
	// LastHealthy is when a run last left the state HEALTHY; zero if none ever did.
	LastHealthy time.Time
	// Passes, Warns and Fails count finished runs by outcome.
	Passes, Warns, Fails uint64
	// Failures counts failed runs by reason, and Changes those of the state by the
	// state entered, in the order of Verdicts.
	Failures map[FailReason]uint64
	Changes  [4]uint64
	// Hung reports whether a run has exceeded its timeout and not returned.
	Hung bool
}

// Text is the output as text.
func (r *Result) Text() string {
	if text, ok := r.Output.(string); ok {
		return text
	}
	if r.Err != nil {
		return r.Err.Error()
	}
	return ""
}

// at is the status as it counts at a moment: what is too old is unknown.
func (s *Status) at(now time.Time) *Status {
	if s.Result.Outcome == Reset || age(s.Result.Time, now) <= s.Check.MaxAge {
		return s
	}
	stale := *s
	stale.Result.Outcome, stale.Result.Reason = Reset, FailStale
	stale.Result.Output = "the last result is older than " + s.Check.MaxAge.String()
	return &stale
}

// age is how long ago t was: the larger of what the wall clock and the
// monotonic one say, since either may stand still (the latter in a suspended
// machine) or be set back.
func age(t, now time.Time) time.Duration {
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}

// fresh reports whether the result may still be served from the cache.
func (s *Status) fresh(now time.Time) bool {
	if s.Check.Interval > 0 {
		return true // Run renews it in the background
	}
	if s.Result.Time.IsZero() {
		return false
	}
	ttl := s.Result.Expires.Sub(s.Result.Time)
	return ttl > 0 && age(s.Result.Time, now) <= ttl
}

// Whole aggregates outcomes by severity. Group "" is all checks; an unknown outcome counts
// as a failure.
func Whole(list []*Status, group string) Outcome {
	whole := Pass
	for _, s := range list {
		if !s.Check.in(group) {
			continue
		}
		outcome := s.Result.Outcome
		if outcome == Reset {
			outcome = Fail
		}
		switch {
		case s.Check.Severity == Info:
			outcome = Pass
		case s.Check.Severity == WarningOnly && outcome == Fail:
			outcome = Warn
		}
		whole = max(whole, outcome)
	}
	return whole
}
