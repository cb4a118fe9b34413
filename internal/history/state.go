package history

import (
	"fmt"

	"github.com/health-exporter/health_exporter/health"
)

// State is a verdict, in the lower four bits, and flags. The zero value is Unknown.
type State uint8

// The verdicts as states.
const (
	Unknown   = State(health.Unknown)
	Healthy   = State(health.Healthy)
	Degraded  = State(health.Degraded)
	Unhealthy = State(health.Unhealthy)
)

// The flags.
const (
	// Maintenance says that the time is one of maintenance: it counts neither as up nor
	// as down.
	Maintenance State = 1 << 4
	// Paused says that the subject is not probed because somebody said so.
	Paused State = 1 << 5
	// NoData says that nothing is known. It comes alone.
	NoData State = 1 << 7
)

const verdictBits State = 1<<4 - 1

// Of is the state of a verdict under these circumstances.
func Of(v health.Verdict, paused, maintenance bool) State {
	s := State(v) & verdictBits
	if paused {
		s |= Paused
	}
	if maintenance {
		s |= Maintenance
	}
	return s
}

// Verdict is the verdict, whatever the flags.
func (s State) Verdict() health.Verdict { return health.Verdict(s & verdictBits) }

// Has reports whether a flag is set.
func (s State) Has(flag State) bool { return s&flag != 0 }

// kind is what a time counts as. Of several in one bucket the highest is the worst.
type kind uint8

const (
	noData kind = iota
	paused
	maintenance
	healthy
	unknown
	degraded
	unhealthy
	kinds // how many there are
)

var kindNames = [kinds]string{"no_data", "paused", "maintenance", "healthy", "unknown", "degraded", "unhealthy"}

// kind: flags hide the verdict, for a paused target says nothing of itself, and what
// happens in maintenance was announced.
func (s State) kind() kind {
	switch {
	case s.Has(NoData):
		return noData
	case s.Has(Paused):
		return paused
	case s.Has(Maintenance):
		return maintenance
	}
	switch s & verdictBits {
	case Healthy:
		return healthy
	case Degraded:
		return degraded
	case Unhealthy:
		return unhealthy
	}
	return unknown
}

// String is the one word for what the state counts as: no_data, paused, maintenance,
// unknown, healthy, degraded or unhealthy.
func (s State) String() string { return kindNames[s.kind()] }

// check reports what is wrong with a state that was read from somewhere.
func (s State) check() error {
	if s == NoData || s&^(verdictBits|Maintenance|Paused) == 0 && s&verdictBits <= Unhealthy {
		return nil
	}
	return fmt.Errorf("%#x is not a state", uint8(s))
}
