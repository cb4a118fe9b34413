package alertmanager

import (
	"cmp"
	"time"
)

// times are how long things take; zero fields mean their defaults.
type times struct {
	// retention is how long it is sent again that an alert has ended; 15 minutes.
	retention time.Duration
	// timeout bounds a request; 10 seconds.
	timeout time.Duration
	// gap is the shortest time between two looks at the subjects; 1 second.
	gap time.Duration
	// farewell bounds the last requests when Run ends; 3 seconds.
	farewell time.Duration
	// absence is how long alerts go on firing after Run has ended; 1 hour. A restart in
	// that time makes nobody believe that they have begun anew.
	absence time.Duration
}

func (a *Pusher) resend() time.Duration    { return cmp.Or(a.Resend, time.Minute) }
func (a *Pusher) retention() time.Duration { return cmp.Or(a.times.retention, 15*time.Minute) }
func (a *Pusher) timeout() time.Duration   { return cmp.Or(a.times.timeout, 10*time.Second) }
func (a *Pusher) gap() time.Duration       { return cmp.Or(a.times.gap, time.Second) }
func (a *Pusher) farewell() time.Duration  { return cmp.Or(a.times.farewell, 3*time.Second) }
func (a *Pusher) absence() time.Duration   { return cmp.Or(a.times.absence, time.Hour) }
