package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

const (
	// saveDelay is how long what has happened waits for more, to share a transaction. Who
	// registers, pauses or removes does not wait, and takes it along.
	saveDelay = 250 * time.Millisecond
	// saveDrifted is how often counters are saved that have not led to a change.
	saveDrifted = time.Minute
	// settleAfter is how long after the start what is discovered may take to be found again.
	settleAfter = 10 * time.Minute
)

// saver has the states of all schedules written, together with what has happened.
type saver struct {
	chronicle *chronicle
	states    states
	log       *slog.Logger

	begun  bool
	before []string // what was kept before the start and does not exist, or not yet
}

// states keep states over a restart, by name.
type states interface {
	Saved(name string) *schedule.Saved
	// Flush writes the states that have changed, and what has happened.
	Flush() error
	Forget(names []string) error
	// Tombstone is what is left of a target that is gone although nobody has removed it.
	Tombstone(app string) (registry.Tombstone, bool)
	// Remembered are the names of all that are kept.
	Remembered() []string
}

func (s *saver) open(*config.Config) error { return nil }

func (s *saver) adopt(*config.Config) {}

func (s *saver) collectors() []prometheus.Collector { return nil }

// begin saves until ctx is done.
func (s *saver) begin(ctx context.Context, work *sync.WaitGroup) {
	s.remember()
	s.chronicle.begun.Store(true)
	for i := range s.chronicle.schedules {
		changed := s.chronicle.schedules[i].scheduler.Changed()
		work.Go(func() { forward(ctx, changed, s.chronicle.pressed) })
	}
	work.Go(func() { s.run(ctx) })
}

// remember takes note of what was kept before the start and does not exist.
func (s *saver) remember() {
	s.begun = true
	for _, kept := range s.states.Remembered() {
		if exists, _ := s.chronicle.exists(kept); !exists || s.states.Saved(kept) == nil {
			s.before = append(s.before, kept)
		}
	}
	slices.Sort(s.before)
}

// run writes what has happened, soon; and once a minute the runs of outcomes that have
// not led to a change yet.
func (s *saver) run(ctx context.Context) {
	s.forgetGone() // what was taken out while nobody ran
	drifted := time.NewTicker(saveDrifted)
	defer drifted.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.chronicle.pressed:
			select {
			case <-ctx.Done():
				return // close saves everything
			case <-time.After(saveDelay):
			}
		case <-drifted.C:
			s.chronicle.want(wantDrifted)
			s.forgetGone()
		}
		s.flush()
	}
}

// forward passes on what is signalled.
func forward(ctx context.Context, from <-chan struct{}, to chan<- struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-from:
			signal(to)
		}
	}
}

func (s *saver) flush() {
	if err := s.states.Flush(); err != nil {
		s.log.Error("states could not be saved; they are with the next ones", "err", err)
	}
}

// signal wakes the receiver. The channel has one slot.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// close writes all states, and drops those of what exists no more, if it ran.
func (s *saver) close() error {
	if !s.begun {
		return nil
	}
	s.forgetGone()
	return s.saveAll()
}

// saveAll writes all states as they are now. Unlike the others it may be called while run
// runs.
func (s *saver) saveAll() error {
	s.chronicle.want(wantAll)
	if err := s.states.Flush(); err != nil {
		return fmt.Errorf("saving states: %w", err)
	}
	return nil
}

// forgetGone drops the states of what no longer exists: whatever comes under that name is
// something new.
func (s *saver) forgetGone() {
	gone := s.chronicle.takeEnded()
	if len(s.before) > 0 {
		s.before = slices.DeleteFunc(s.before, func(name string) bool {
			switch exists, settled := s.chronicle.exists(name); {
			case exists:
				return true
			case settled:
				if _, lost := s.states.Tombstone(name); !lost { // of which the journal has told
					s.chronicle.removedBefore(name, s.states.Saved(name))
				}
				gone = append(gone, name)
				return true
			}
			return false
		})
	}
	if len(gone) == 0 {
		return
	}
	if err := s.states.Forget(gone); err != nil {
		s.log.Error("states of what was removed could not be dropped", "states", len(gone), "err", err)
	}
}
