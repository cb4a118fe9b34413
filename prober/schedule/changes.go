package schedule

import (
	"slices"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Event is something that happened to a target: its state changed, or a run turned.
type Event struct {
	App string
	Transition
	// Turned says that it was the first failure after passes, or the first pass after
	// failures, and did not change the state.
	Turned bool
}

// maxTurns is how many turns of a target are noted in a minute: one that fails every
// other time would have one with each probe.
const maxTurns = 4

// Changes are what is new since they were last taken.
type Changes struct {
	// Events are in order.
	Events []Event
	// States are what to save: those to which the events have led, and others that are
	// wanted.
	States map[string]*Saved
}

// changes note what there is to take.
type changes struct {
	changed chan struct{} // one slot: there is an event, or somebody wants something saved

	mu      sync.Mutex // taken after all others; protects all following fields
	events  []noted
	touched map[*job]struct{} // to be saved although nothing happened
	drifted map[*job]struct{} // counters of which have gone on
}

// noted is an event, and the state that it led to.
type noted struct {
	job   *job
	event Event
	saved *Saved
	step  uint32
}

func newChanges() *changes {
	return &changes{changed: make(chan struct{}, 1), touched: map[*job]struct{}{}, drifted: map[*job]struct{}{}}
}

// end has nothing saved of a job any more: whatever comes under its name is another.
func (c *changes) end(j *job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	j.ended = true
	delete(c.touched, j)
	delete(c.drifted, j)
}

// begin has a job saved that is new.
func (c *changes) begin(j *job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drifted[j] = struct{}{}
}

// touch has a job saved soon.
func (c *changes) touch(j *job) {
	c.mu.Lock()
	if !j.ended {
		c.touched[j] = struct{}{}
	}
	c.mu.Unlock()
	signal(c.changed)
}

// note notes an event that led to what the job's status is now. j.mu is held, so that
// events of a job are in order.
func (j *job) note(e Transition, turned bool) {
	j.kept = j.status.Load().clipped()
	c := j.changes
	c.mu.Lock()
	c.events = append(c.events, noted{j, Event{j.app, e, turned}, j.savedLocked(), j.step})
	c.mu.Unlock()
	signal(c.changed)
}

// drift notes that counters of the job are no longer what is kept. j.mu is held.
func (j *job) drift() {
	if j.drifting || j.status.Load().clipped() == j.kept {
		return
	}
	j.drifting = true
	j.changes.mu.Lock()
	defer j.changes.mu.Unlock()
	if !j.ended {
		j.changes.drifted[j] = struct{}{}
	}
}

// clipped is the state as far as it matters after a restart: a run of outcomes counts
// only up to the threshold.
func (s *Status) clipped() health.State {
	t, state := s.Target, s.State
	most := uint32(max(t.Healthy, t.Unhealthy, health.DefaultHealthy))
	state.Failures, state.Successes, state.Passes = min(state.Failures, most), min(state.Successes, most), min(state.Passes, most)
	return state
}

// turned reports whether an outcome has ended a run of others, and notes no more of that
// than may be. The verdict has not changed. mu is held.
func (j *job) turned(before, after health.State, at time.Time) bool {
	failed := after.Failures == 1 && before.Successes > 0
	if passed := before.Failures > 0 && after.Failures == 0; !failed && !passed {
		return false
	}
	if minute := uint32(at.Unix() / 60); minute != j.turnsIn {
		j.turnsIn, j.turns = minute, 0
	}
	if j.turns == maxTurns {
		return false
	}
	j.turns++
	return true
}

// TakeChanged gives what has happened since the last call. With drifted, States has those
// too of which only the counters have gone on, as far as they matter.
func (s *Scheduler) TakeChanged(drifted bool) Changes {
	c := s.changes
	c.mu.Lock()
	jobs := make([]*job, 0, len(c.touched))
	for j := range c.touched {
		jobs = append(jobs, j)
	}
	clear(c.touched)
	if drifted {
		jobs = slices.Grow(jobs, len(c.drifted))
		for j := range c.drifted {
			jobs = append(jobs, j)
		}
		c.drifted = map[*job]struct{}{} // it may have been large
	}
	c.mu.Unlock()
	return s.take(jobs)
}

// TakeAll is TakeChanged with the states of all.
func (s *Scheduler) TakeAll() Changes { return s.take(s.order.Load().Slice()) }

// take gives the events, and the states of these jobs and of those to which something
// has happened. What a state has come from is among the events: it is read before them.
func (s *Scheduler) take(jobs []*job) Changes {
	states := make(map[*job]noted, len(jobs))
	for _, j := range jobs {
		states[j] = j.keep()
	}
	c := s.changes
	c.mu.Lock()
	defer c.mu.Unlock()
	events := c.events
	c.events = nil
	taken := Changes{States: make(map[string]*Saved, len(states))}
	for _, n := range events {
		if n.job.ended {
			continue
		}
		taken.Events = append(taken.Events, n.event)
		if state, ok := states[n.job]; !ok || int32(n.step-state.step) >= 0 { // numbers may start over
			states[n.job] = n
		}
	}
	for j, n := range states {
		if !j.ended {
			taken.States[j.app] = n.saved
		}
	}
	return taken
}

// keep is what is to be saved of the job, and notes that it is.
func (j *job) keep() noted {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.kept, j.drifting = j.status.Load().clipped(), false
	return noted{saved: j.savedLocked(), step: j.step}
}

// savedLocked is what shall survive a restart. mu is held.
func (j *job) savedLocked() *Saved {
	st := j.status.Load()
	return &Saved{
		State: st.State, Since: st.Since, LastHealthy: st.LastHealthy, Place: placeOf(st.Target, st.Check),
		Transitions: slices.Clip(j.transitions[max(len(j.transitions)-MaxSavedTransitions, 0):]),
	}
}

// Changed receives after something has happened: "look again". It has one slot.
func (s *Scheduler) Changed() <-chan struct{} { return s.changes.changed }

// Touch has TakeChanged return the state of the target although nothing has happened.
func (s *Scheduler) Touch(app string) {
	if j := s.find(app); j != nil {
		s.changes.touch(j)
	}
}
