package health

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// warning is an error that does not make a check fail.
type warning struct{ error }

func (w warning) Unwrap() error { return w.error }

// Warning makes an error that lets a check pass with a warning. A nil error
// stays nil.
func Warning(err error) error {
	if err == nil {
		return nil
	}
	return warning{err}
}

// IsWarning reports whether an error was made by Warning.
func IsWarning(err error) bool {
	var w warning
	return errors.As(err, &w)
}

// notes is what a run reports besides its error. The run may go on after its timeout, so
// everything is guarded by a lock.
type notes struct {
	mu           sync.Mutex
	said         bool
	output       any
	observations []Observation
}

type notesKey struct{}

// Observation is one value that a check has measured.
type Observation struct {
	// Name says what was measured, such as utilization, responseTime, connections, uptime,
	// or any other word without a colon.
	Name string
	Measurement
}

// Say sets the output of a check: any value that can be encoded as JSON. It replaces "OK",
// and the message of an error. ctx must be that of a run; with another one nothing happens.
func Say(ctx context.Context, output any) {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.said, n.output = true, output
	}
}

// Observe notes a value that a check has measured: it shows in the report and, if it
// is a number, as a metric. Of one run at most 50 are kept. ctx must be that of a run;
// with another one nothing happens.
func Observe(ctx context.Context, name string, value any, unit string) {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		if len(n.observations) < maxMeasurements {
			n.observations = append(n.observations, Observation{name, Measurement{ObservedValue: value, ObservedUnit: unit}})
		}
	}
}

// taken returns what has been reported so far.
func (n *notes) taken() (output any, said bool, observations []Observation) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.output, n.said, slices.Clone(n.observations)
}
