package history

import (
	"context"
	"time"
)

const (
	// lookEvery is how often it is looked whether there is something to write.
	lookEvery = 5 * time.Second
	// tidyEvery is how often it is looked for what is too old.
	tidyEvery = time.Hour
)

// Run writes what changes, and beats, until ctx is done. Close writes the rest.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	c := clock{last: s.now()}
	var tidied time.Duration // c.steady then
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.now()
		if was, set := c.look(now); set > 0 {
			s.slept(was, now)
		}
		if c.steady < tidied {
			tidied = 0
		}
		if c.trusted() && c.steady-tidied >= tidyEvery {
			s.tidy(now)
			tidied = c.steady
		}
	}
}

// Close writes what is not on disk yet. Run must have ended.
func (s *Store) Close() error { return nil }
