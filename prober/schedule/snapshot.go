package schedule

import (
	"slices"
	"time"
)

// Snapshot lists what is known of all targets, sorted by App. It never waits
// for a probe, nor for Sync.
func (s *Scheduler) Snapshot() []*Status {
	order := s.order.Load()
	list := make([]*Status, 0, order.Len())
	for j := range order.All() {
		list = append(list, j.status.Load())
	}
	return list
}

// Len is how many targets there are.
func (s *Scheduler) Len() int { return s.order.Load().Len() }

// Status is what is known of one target.
func (s *Scheduler) Status(app string) (*Status, bool) {
	j := s.find(app)
	if j == nil {
		return nil, false
	}
	return j.status.Load(), true
}

// find gives nil if there is no such target.
func (s *Scheduler) find(app string) *job {
	j, _ := s.order.Load().Get(app)
	return j
}

// NextProbe is when the target is due; zero if it is not being probed.
func (s *Scheduler) NextProbe(app string) time.Time {
	j := s.find(app)
	if j == nil {
		return time.Time{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !j.queued {
		return time.Time{}
	}
	return s.timeOf(j.due)
}

// History lists up to limit of the target's last probes, newest first.
func (s *Scheduler) History(app string, limit int) ([]Entry, bool) {
	j := s.find(app)
	if j == nil {
		return nil, false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.history.entries(limit), true
}

// Latencies are those of up to limit of the target's last probes, oldest first; nil if
// there is no such target.
func (s *Scheduler) Latencies(app string, limit int) []time.Duration {
	j := s.find(app)
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.history.latencies(limit)
}

// Transitions lists the target's last changes of state, oldest first.
func (s *Scheduler) Transitions(app string) ([]Transition, bool) {
	j := s.find(app)
	if j == nil {
		return nil, false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.transitions), true
}

// Stats are the scheduler's own figures.
type Stats struct {
	Jobs, InFlight, InFlightSlow int
	// Started counts the probes begun.
	Started uint64
	// Skipped counts the probes due but not made: "overlap" when the one before
	// was still under way, "capacity" when too many were in flight.
	Skipped  map[string]uint64
	Lateness LatenessStats
}

// Stats reads the scheduler's own figures.
func (s *Scheduler) Stats() Stats {
	return Stats{
		Jobs:         s.order.Load().Len(),
		InFlight:     int(s.lanes.inFlight[fastLane].Load()),
		InFlightSlow: int(s.lanes.inFlight[slowLane].Load()),
		Started:      s.started.Load(),
		Skipped: map[string]uint64{
			"overlap": s.skippedOverlap.Load(), "capacity": s.skippedCapacity.Load(),
		},
		Lateness: s.late.stats(),
	}
}
