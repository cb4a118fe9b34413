package health

import (
	"context"
	"time"
)

// Run runs the checks that have an Interval, until ctx is done. A check whose run takes
// longer than its interval skips turns; they are not made up for. Checks that are added
// meanwhile are run too.
func (c *Checker) Run(ctx context.Context) error {
	c.mu.Lock()
	c.prepare()
	c.mu.Unlock()
	due := map[*cell]time.Time{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		next := now.Add(time.Hour)
		for _, known := range c.list() {
			if known.check.Interval <= 0 {
				continue
			}
			at, ok := due[known]
			if !ok {
				at = now.Add(known.check.InitialDelay)
			}
			if !at.After(now) {
				known.begin()
				at = nextTurn(at, now, known.check.Interval)
			}
			due[known] = at
			if at.Before(next) {
				next = at
			}
		}
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.base.Done():
			return context.Cause(c.base)
		case <-c.wake:
		case <-timer.C:
		}
	}
}

// nextTurn is the first turn after now of those that are an interval apart.
func nextTurn(turn, now time.Time, interval time.Duration) time.Time {
	since := now.Sub(turn) % interval
	return now.Add(interval - since)
}
