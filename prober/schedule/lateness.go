package schedule

import (
	"sync/atomic"
	"time"
)

// latenessBounds are the upper bounds of the buckets.
var latenessBounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	time.Second, 5 * time.Second, 30 * time.Second,
}

// lateness is a histogram of how long after their due time probes started.
type lateness struct {
	buckets [len(latenessBounds) + 1]atomic.Uint64
	sum     atomic.Int64
}

func (l *lateness) observe(d time.Duration) {
	d = max(d, 0)
	i := 0
	for i < len(latenessBounds) && d > latenessBounds[i] {
		i++
	}
	l.buckets[i].Add(1)
	l.sum.Add(int64(d))
}

// LatenessStats is a cumulative histogram in seconds.
type LatenessStats struct {
	Count   uint64
	Sum     float64
	Buckets map[float64]uint64
}

func (l *lateness) stats() LatenessStats {
	s := LatenessStats{Sum: time.Duration(l.sum.Load()).Seconds(), Buckets: map[float64]uint64{}}
	for i, bound := range latenessBounds {
		s.Count += l.buckets[i].Load()
		s.Buckets[bound.Seconds()] = s.Count
	}
	s.Count += l.buckets[len(latenessBounds)].Load()
	return s
}

// Within is the least bound of the histogram that the given share of all probes has
// kept; false if there was no probe, or more were later than the last bound.
func (s LatenessStats) Within(share float64) (time.Duration, bool) {
	for _, bound := range latenessBounds {
		if s.Count > 0 && float64(s.Buckets[bound.Seconds()]) >= share*float64(s.Count) {
			return bound, true
		}
	}
	return 0, false
}
