package schedule

import "sync/atomic"

// lanes bounds the probes in flight. Targets whose last probe ran into its
// deadline go to the slow lane, which has a quota of its own: however many
// targets hang, the others keep their places.
type lanes struct {
	limit    [2]int64
	inFlight [2]atomic.Int64
}

type lane int

const (
	fastLane lane = iota
	slowLane
)

// newLanes divides the limit: three quarters for the fast lane.
func newLanes(limit int) *lanes {
	limit = max(limit, 4)
	slow := int64(limit / 4)
	return &lanes{limit: [2]int64{int64(limit) - slow, slow}}
}

// enter takes a place, or reports that there is none.
func (l *lanes) enter(which lane) bool {
	if l.inFlight[which].Add(1) > l.limit[which] {
		l.inFlight[which].Add(-1)
		return false
	}
	return true
}

func (l *lanes) leave(which lane) { l.inFlight[which].Add(-1) }

// busy reports whether any place is taken.
func (l *lanes) busy() bool { return l.inFlight[fastLane].Load()+l.inFlight[slowLane].Load() > 0 }
