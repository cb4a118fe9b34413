package schedule

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// ProbeNow probes the target at once, or waits for the probe that is under way.
// It counts as any other probe, and puts the next one off.
func (s *Scheduler) ProbeNow(ctx context.Context, app string) (Entry, error) {
	j := s.find(app)
	if j == nil {
		return Entry{}, ErrUnknownTarget
	}
	answer := make(chan Entry, 1)
	if err := s.startNow(j, answer); err != nil {
		return Entry{}, err
	}
	select {
	case e, ok := <-answer:
		if !ok {
			return Entry{}, fmt.Errorf("%w: the probe was ended because the target changed or the schedule stops", ErrNotProbing)
		}
		return e, nil
	case <-ctx.Done():
		return Entry{}, context.Cause(ctx)
	}
}

func (s *Scheduler) startNow(j *job, answer chan<- Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[j.app] != j { // it was removed since it was found
		return ErrUnknownTarget
	}
	j.mu.Lock()
	running := j.running
	j.waiters = append(j.waiters, answer)
	j.mu.Unlock()
	if running {
		return nil
	}
	if err := s.start(j, 0); err != nil {
		j.mu.Lock()
		j.waiters = slices.DeleteFunc(j.waiters, func(w chan<- Entry) bool { return w == answer })
		j.mu.Unlock()
		return err
	}
	if j.queued {
		s.wheel.remove(j)
		j.due = afterFirst(s.slotAt(time.Now()), j.interval, j.phase)
		s.wheel.add(j)
	}
	signal(s.wake) // a probe is under way: look more often whether the program runs
	return nil
}
