package schedule

import (
	"sync"
	"time"
)

const (
	// tickBusy and tickIdle are how often the schedule looks whether the program runs,
	// while probes are under way and while none is.
	tickBusy = 100 * time.Millisecond
	tickIdle = time.Second
	// tooLate is how late it may wake before the time between counts as a pause: the
	// program was stopped, the machine was suspended or had no time for us. What was
	// under way says nothing then: answers came and deadlines passed while nobody ran.
	tooLate = 500 * time.Millisecond
)

// pauses notices when the program did not run.
type pauses struct {
	mu      sync.Mutex // protects all following fields
	planned time.Time  // when the schedule wakes next; zero while it does not run
	ended   time.Time  // when the last pause did
}

// plan notes when the schedule is going to wake.
func (p *pauses) plan(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.planned = at
}

// look returns how long the program has just not run, zero if it has.
func (p *pauses) look(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lookLocked(now)
}

func (p *pauses) lookLocked(now time.Time) time.Duration {
	if p.planned.IsZero() {
		return 0
	}
	late := behind(p.planned, now)
	if late < tooLate {
		return 0
	}
	p.planned, p.ended = now, now
	return late
}

// since reports whether there was a pause after a moment. Whoever wakes before the
// schedule does finds it too.
func (p *pauses) since(begin, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.planned.IsZero() && behind(p.planned, now) >= tooLate || p.ended.After(begin)
}

// behind is by the clock that has gone on further: the monotonic one stands still
// while a machine is suspended, and the wall clock may be set back.
func behind(planned, now time.Time) time.Duration {
	return max(now.Sub(planned), now.Round(0).Sub(planned.Round(0)))
}

// again has a probe that says nothing made once more, for those too who wait for it. All
// that were under way are spread over a second.
func (s *Scheduler) again(j *job, waiters []chan<- Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.base == nil || s.jobs[j.app] != j || !j.queued {
		for _, w := range waiters {
			close(w)
		}
		return
	}
	j.mu.Lock()
	j.waiters = append(j.waiters, waiters...)
	j.mu.Unlock()
	s.wheel.remove(j)
	j.due = s.slotAt(time.Now()) + 1 + phaseOf(j.app, slots(time.Second))
	s.wheel.add(j)
	signal(s.wake)
}
