package zeroconf

import (
	"context"
	"time"
)

// tooLate is how late we may wake before the time between counts as one in which the
// program did not run: it was stopped, or the machine was suspended. What was not heard
// meanwhile is not gone.
const tooLate = 2 * time.Second

// lateBy is how late somebody has woken, by the clock that has gone on further: the
// monotonic one stands still while a machine is suspended. It is zero if that is usual.
func lateBy(planned, now time.Time) time.Duration {
	late := max(now.Sub(planned), now.Round(0).Sub(planned.Round(0)))
	if late < tooLate {
		return 0
	}
	return late
}

// rest waits, and reports whether ctx is not done.
func (b *Browser) rest(ctx context.Context, d time.Duration) bool {
	planned := time.Now().Add(d)
	goesOn := pause(ctx, d)
	if late := lateBy(planned, time.Now()); late > 0 {
		b.excuse(late)
	}
	return goesOn
}

// excuse has what was not heard of while the program did not run not count.
func (b *Browser) excuse(late time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away++
	for name, since := range b.cache.there {
		b.cache.there[name] = since.Add(late)
	}
	b.Log.Warn("the program did not run for a while: what was not heard on the network meanwhile does not count as gone", "pause", late)
}

// timesAway counts how often the program did not run for a while.
func (b *Browser) timesAway() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.away
}
