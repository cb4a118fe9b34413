package schedule

import (
	"hash/fnv"
	"time"
)

// slot is the grain of the schedule. Waking once for all probes that are due
// within 5 ms halves the CPU of waking for each, and nobody notices 5 ms.
const slot = 5 * time.Millisecond

// resumeWindow is how long a target that is probed again after a pause, or has moved,
// waits for its next probe, at most: nobody wants to know a day later.
const resumeWindow = time.Minute

// slots rounds a duration to whole slots, one at least.
func slots(d time.Duration) int64 { return max(1, int64((d+slot/2)/slot)) }

// phaseOf is the place of a target within its interval, in slots. It depends on
// the name alone, so that targets spread evenly and keep their place over restarts.
func phaseOf(app string, interval int64) int64 {
	h := fnv.New64a()
	h.Write([]byte(app))
	// FNV's low bits move little for names that differ in their last digit.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return int64(x % uint64(interval))
}

// onGrid is the first slot at or after earliest that is in phase.
func onGrid(earliest, interval, phase int64) int64 {
	behind := (earliest - phase) % interval
	if behind < 0 {
		behind += interval
	}
	if behind == 0 {
		return earliest
	}
	return earliest + interval - behind
}

// afterFirst is the slot of the probe that follows one made out of phase: the
// next in phase, but not sooner than half an interval.
func afterFirst(made, interval, phase int64) int64 {
	return onGrid(made+(interval+1)/2, interval, phase)
}

// startWindow is the time over which the first probes of n targets are spread:
// a thousand a second, one second at least, and never more than the interval.
func startWindow(n int, interval time.Duration) time.Duration {
	return min(interval, max(time.Second, time.Duration(n)*time.Millisecond))
}
