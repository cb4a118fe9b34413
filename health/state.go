package health

import (
	"fmt"
	"strings"
)

// Outcome is what one probe or one run of a check has found.
type Outcome uint8

// The outcomes, and the event that forgets them all.
const (
	// Reset is not an outcome of a probe: what was known no longer counts (the URL
	// changed, or the target was paused for a while).
	Reset Outcome = iota
	// Pass means all is well.
	Pass
	// Warn means it works, but says itself that something is not as it should be.
	Warn
	// Fail means it does not work.
	Fail
)

var outcomeNames = [...]string{"reset", "pass", "warn", "fail"}

// String returns the lower-case word used in labels and JSON.
func (o Outcome) String() string { return nameOf(outcomeNames[:], int(o)) }

// MarshalText renders the outcome as its lower-case word.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText accepts what MarshalText writes, in any case.
func (o *Outcome) UnmarshalText(text []byte) error {
	i, err := indexOf(outcomeNames[:], string(text))
	if err == nil {
		*o = Outcome(i)
	}
	return err
}

// Verdict names one of the four states. The zero value is Unknown.
type Verdict uint8

// The states, from "never decided" to "down".
const (
	Unknown Verdict = iota
	Healthy
	Degraded
	Unhealthy
)

var verdictNames = [...]string{"unknown", "healthy", "degraded", "unhealthy"}

// Verdicts lists all states in the order in which they are exposed.
func Verdicts() [4]Verdict { return [4]Verdict{Unknown, Healthy, Degraded, Unhealthy} }

// String returns the lower-case word used as a label value.
func (v Verdict) String() string { return nameOf(verdictNames[:], int(v)) }

// MarshalText renders the state in upper case, as JSON and pages show it.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(v.String())), nil }

// UnmarshalText accepts the name of a state in any case.
func (v *Verdict) UnmarshalText(text []byte) error {
	i, err := indexOf(verdictNames[:], string(text))
	if err == nil {
		*v = Verdict(i)
	}
	return err
}

// Thresholds say how many outcomes in a row it takes to change a state.
// Zero fields mean their defaults.
type Thresholds struct {
	// Unhealthy is how many failures in a row make a target UNHEALTHY; default 2.
	Unhealthy int
	// Healthy is how many passes in a row make a target HEALTHY; default 10.
	Healthy int
	// DegradedAfter is how many failures in a row make a target DEGRADED; default 1.
	// At or above Unhealthy it means that failures never lead to DEGRADED.
	DegradedAfter int
	// FastStart lets one pass suffice on the way out of UNKNOWN.
	FastStart bool
}

// Defaults of Thresholds.
const (
	DefaultUnhealthy     = 2
	DefaultHealthy       = 10
	DefaultDegradedAfter = 1
)

// State is a verdict and the run of outcomes that led to it. The zero value is
// the state of something that was never probed. States are values: Next returns
// the following one and changes nothing.
type State struct {
	Verdict Verdict `json:"verdict"`
	// Failures counts the failures in a row up to now.
	Failures uint32 `json:"failures"`
	// Successes counts the outcomes in a row that were no failure.
	Successes uint32 `json:"successes"`
	// Passes counts the passes in a row.
	Passes uint32 `json:"passes"`
}

// Next is the state after one more outcome: the counters move first, then the
// table of the machine decides.
//
//	             pass                warn               fail                            Reset
//	UNKNOWN      P≥h → HEALTHY       DEGRADED           F≥u → UNHEALTHY, F≥d → DEGRADED UNKNOWN
//	HEALTHY      HEALTHY             DEGRADED           F≥u → UNHEALTHY, F≥d → DEGRADED UNKNOWN
//	DEGRADED     P≥h → HEALTHY       DEGRADED           F≥u → UNHEALTHY                 UNKNOWN
//	UNHEALTHY    P≥h → HEALTHY,      S≥h → DEGRADED     UNHEALTHY                       UNKNOWN
//	             S≥h → DEGRADED
//
// F, S and P are Failures, Successes and Passes after this outcome; u, h and d
// are the thresholds. With u ≥ 2 and d < u nothing falls from UNKNOWN or
// HEALTHY to UNHEALTHY at once.
func (s State) Next(o Outcome, t Thresholds) State {
	next := s.count(o)
	switch o {
	case Pass:
		next.Verdict = s.Verdict.afterPass(next, t)
	case Warn:
		next.Verdict = s.Verdict.afterWarn(next, t)
	case Fail:
		next.Verdict = s.Verdict.afterFail(next, t)
	}
	return next
}

func (s State) count(o Outcome) State {
	switch o {
	case Pass:
		return State{Verdict: s.Verdict, Successes: more(s.Successes), Passes: more(s.Passes)}
	case Warn:
		return State{Verdict: s.Verdict, Successes: more(s.Successes)}
	case Fail:
		return State{Verdict: s.Verdict, Failures: more(s.Failures)}
	}
	return State{}
}

func (v Verdict) afterPass(s State, t Thresholds) Verdict {
	enough := threshold(t.Healthy, DefaultHealthy)
	switch {
	case s.Passes >= enough, v == Unknown && t.FastStart:
		return Healthy
	case v == Unhealthy && s.Successes >= enough:
		return Degraded
	}
	return v
}

func (v Verdict) afterWarn(s State, t Thresholds) Verdict {
	if v == Unhealthy && s.Successes < threshold(t.Healthy, DefaultHealthy) {
		return Unhealthy
	}
	return Degraded
}

func (v Verdict) afterFail(s State, t Thresholds) Verdict {
	switch {
	case s.Failures >= threshold(t.Unhealthy, DefaultUnhealthy):
		return Unhealthy
	case v == Unhealthy:
		return Unhealthy
	case s.Failures >= threshold(t.DegradedAfter, DefaultDegradedAfter):
		return Degraded
	}
	return v
}

func threshold(n, def int) uint32 {
	if n <= 0 {
		n = def
	}
	return uint32(min(n, 1<<30))
}

// more adds one and stops at the top, so that a counter that has run for ever
// does not start over and lift a threshold with it.
func more(n uint32) uint32 {
	if n == 1<<32-1 {
		return n
	}
	return n + 1
}

func nameOf(names []string, i int) string {
	if i >= len(names) {
		return fmt.Sprintf("%d", i)
	}
	return names[i]
}

func indexOf(names []string, word string) (int, error) {
	for i, name := range names {
		if strings.EqualFold(name, word) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%q is not one of %s", word, strings.Join(names, ", "))
}
