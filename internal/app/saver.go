package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

const (
	saveDelay = time.Second // changes of state within it share a transaction
	saveAll   = time.Minute
	// settleAfter is how long after the start what is discovered may take to be found again.
	settleAfter = 10 * time.Minute
)

// saver keeps the states of one schedule on disk.
type saver struct {
	scheduler *schedule.Scheduler
	states    states
	log       *slog.Logger
	prefix    string                 // of the names under which the states are kept
	exists    func(name string) bool // is there such a target, or check, still?
	settled   func() bool            // is all there that will be, of what there was before the start?
	changed   chan<- struct{}        // receives when states have changed; one slot
	stored    chan<- struct{}        // receives when something was written; one slot

	add func(name string, to *schedule.Saved) // what else there is to keep; nil for nothing

	written map[string]health.State // nil before it runs
	before  []string                // what was kept before the start and does not exist, or not yet
}

// states keep states over a restart, by name.
type states interface {
	Saved(name string) *schedule.Saved
	Save(all map[string]*schedule.Saved) error
	Forget(names []string) error
	// Remembered are the names of all that are kept.
	Remembered() []string
}

// begin saves until ctx is done.
func (s *saver) begin(ctx context.Context, work *sync.WaitGroup) {
	s.remember()
	work.Go(func() { s.run(ctx) })
}

// remember takes note of what was kept before the start.
func (s *saver) remember() {
	s.written = map[string]health.State{}
	for _, kept := range s.states.Remembered() {
		name, ofCheck := strings.CutPrefix(kept, checkPrefix)
		if ofCheck != (s.prefix == checkPrefix) {
			continue
		}
		if saved := s.states.Saved(kept); saved != nil && s.exists(name) {
			s.written[name] = saved.State
		} else {
			s.before = append(s.before, name)
		}
	}
}

// run writes changed states, at most once a second; and once a minute the runs of
// outcomes that have not led to a change yet.
func (s *saver) run(ctx context.Context) {
	all := time.NewTicker(saveAll)
	defer all.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.scheduler.Changed():
			signal(s.changed)
			select {
			case <-ctx.Done():
				return // end saves everything
			case <-time.After(saveDelay):
			}
			s.save(s.scheduler.TakeChanged())
		case <-all.C:
			s.save(s.unwritten())
			s.forgetGone()
		}
	}
}

func (s *saver) save(states map[string]*schedule.Saved) {
	if len(states) == 0 {
		return
	}
	if err := s.states.Save(s.prefixed(states)); err != nil {
		s.log.Error("states could not be saved", "states", len(states), "err", err)
		return
	}
	for name, saved := range states {
		s.written[name] = saved.State
	}
	signal(s.stored)
}

// signal wakes the receiver. The channel has one slot.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// prefixed gives the states the names under which they are kept.
func (s *saver) prefixed(states map[string]*schedule.Saved) map[string]*schedule.Saved {
	if s.add != nil {
		for name, saved := range states {
			s.add(name, saved)
		}
	}
	if s.prefix == "" {
		return states
	}
	named := make(map[string]*schedule.Saved, len(states))
	for name, saved := range states {
		named[s.prefix+name] = saved
	}
	return named
}

// unwritten finds the states that a restart would lose and that matter: a run of
// outcomes counts only up to the threshold.
func (s *saver) unwritten() map[string]*schedule.Saved {
	states := map[string]*schedule.Saved{}
	saved := s.scheduler.Saved()
	for _, st := range s.scheduler.Snapshot() {
		name := st.Target.App
		old, ok := s.written[name]
		if now := saved[name]; now != nil && (!ok || clipped(old, st.Target) != clipped(now.State, st.Target)) {
			states[name] = now
		}
	}
	return states
}

func clipped(s health.State, t *prober.Target) health.State {
	most := uint32(max(t.Healthy, t.Unhealthy, health.DefaultHealthy))
	s.Failures, s.Successes, s.Passes = min(s.Failures, most), min(s.Successes, most), min(s.Passes, most)
	return s
}

// end writes all states, and drops those of what exists no more, if it ran.
func (s *saver) end() error {
	if s.written == nil {
		return nil
	}
	s.forgetGone()
	return s.saveAll()
}

// saveAll writes all states. Unlike the others it may be called while run runs.
func (s *saver) saveAll() error {
	if err := s.states.Save(s.prefixed(s.scheduler.Saved())); err != nil {
		return fmt.Errorf("saving states: %w", err)
	}
	return nil
}

// forgetGone drops the states of what no longer exists: whatever comes under that name is
// something new.
func (s *saver) forgetGone() {
	var gone []string
	if s.settled() {
		for _, name := range s.before {
			if !s.exists(name) {
				gone = append(gone, s.prefix+name)
			}
		}
		s.before = nil
	}
	for name := range s.written {
		if !s.exists(name) {
			gone = append(gone, s.prefix+name)
			delete(s.written, name)
		}
	}
	if len(gone) == 0 {
		return
	}
	if err := s.states.Forget(gone); err != nil {
		s.log.Error("states of what was removed could not be dropped", "states", len(gone), "err", err)
	}
}
