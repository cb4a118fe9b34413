package schedule

import (
	"slices"
	"strings"
	"time"
)

// Sync makes the schedule what jobs say: new ones start, missing ones end and
// are gone from the snapshot, changed ones keep their state. Jobs that have not
// changed miss no probe. Names must be unique; of two jobs with one name the
// first counts.
func (s *Scheduler) Sync(jobs []Job) {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	byName := func(a, b Job) int { return strings.Compare(a.Target.App, b.Target.App) }
	if !slices.IsSortedFunc(jobs, byName) {
		jobs = slices.Clone(jobs)
		slices.SortStableFunc(jobs, byName)
	}
	now := time.Now()
	old := s.order.Load().Slice()
	var diff difference
	for i := range jobs {
		d := &jobs[i]
		if i > 0 && jobs[i-1].Target.App == d.Target.App {
			continue
		}
		for len(old) > 0 && old[0].app < d.Target.App {
			diff.ended, old = append(diff.ended, old[0]), old[1:]
		}
		if len(old) > 0 && old[0].app == d.Target.App {
			s.change(old[0], d, now)
			old = old[1:]
		} else {
			diff.begun = append(diff.begun, newJob(*d, now, s.changes))
		}
	}
	diff.ended = append(diff.ended, old...)
	s.adopt(&diff, now)
}

// Apply is Sync for those that differ: the changed ones start, or take the place of what
// they were, and the removed ones end. It costs what they are, however many others there
// are. A name that is in both is changed.
func (s *Scheduler) Apply(changed []Job, removed []string) {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	now := time.Now()
	order := s.order.Load()
	seen := make(map[string]struct{}, len(changed))
	var diff difference
	for i := range changed {
		d := &changed[i]
		if _, dup := seen[d.Target.App]; dup {
			continue
		}
		seen[d.Target.App] = struct{}{}
		if j, ok := order.Get(d.Target.App); ok {
			s.change(j, d, now)
		} else {
			diff.begun = append(diff.begun, newJob(*d, now, s.changes))
		}
	}
	for _, app := range removed {
		if _, stays := seen[app]; stays {
			continue
		}
		if j, ok := order.Get(app); ok {
			diff.ended = append(diff.ended, j)
		}
	}
	s.adopt(&diff, now)
}

// difference has the jobs that are new, and those that are none any more.
type difference struct{ begun, ended []*job }

// adopt brings a difference into force.
func (s *Scheduler) adopt(diff *difference, now time.Time) {
	names := make([]string, len(diff.ended))
	for i, j := range diff.ended {
		names[i] = j.app
		s.end(j)
	}
	s.begin(diff.begun, now)
	if len(diff.begun)+len(diff.ended) > 0 {
		next := s.order.Load().With(diff.begun, names)
		s.order.Store(&next)
	}
	signal(s.wake)
}

// change updates a job if its line differs.
func (s *Scheduler) change(j *job, d *Job, now time.Time) {
	j.mu.Lock()
	old := j.desired
	j.mu.Unlock()
	if old.Target == d.Target && old.Module.Fingerprint() == d.Module.Fingerprint() &&
		old.Network == d.Network && old.Problem == d.Problem {
		if old.Module != d.Module { // alike, but of a newer configuration
			j.mu.Lock()
			j.desired.Module = d.Module
			j.mu.Unlock()
		}
		return
	}
	if j.update(*d, now) {
		st := j.status.Load()
		s.log.Info("state changed", "target", j.app, "to", st.State.Verdict.String(), "reason", "changed or resumed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	interval := slots(d.Target.Interval)
	waits := !j.begun && d.NotBefore.After(now)
	anew := !j.queued || old.place() != d.place()
	switch {
	case !d.probing():
		s.unqueue(j)
	case anew, interval != j.interval, !j.begun && !d.NotBefore.Equal(old.NotBefore):
		s.unqueue(j)
		j.interval, j.phase = interval, phaseOf(j.app, interval)
		if first := s.slotAt(now) + 1; waits {
			s.queue(j, first+int64(d.NotBefore.Sub(now)/slot))
		} else if soon := min(interval, slots(resumeWindow)); anew {
			s.queue(j, onGrid(first, soon, phaseOf(j.app, soon)))
		} else {
			s.queue(j, onGrid(first, interval, j.phase))
		}
	}
}

// end takes a job off the schedule; a probe of it under way counts for nothing.
func (s *Scheduler) end(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unqueue(j)
	delete(s.jobs, j.app)
	j.mu.Lock()
	j.dropRunning() // after it is off the wheel, or it might be started anew
	j.mu.Unlock()
	s.changes.end(j)
}

// begin puts jobs that are new on the wheel. Their first probes are spread evenly.
func (s *Scheduler) begin(made []*job, now time.Time) {
	slices.SortFunc(made, func(a, b *job) int { return strings.Compare(a.app, b.app) })
	s.mu.Lock()
	defer s.mu.Unlock()
	start := s.slotAt(now) + 1
	for i, j := range made {
		s.jobs[j.app] = j
		if !j.desired.probing() {
			continue
		}
		t := j.desired.Target
		window := int64(startWindow(len(made), t.Interval) / slot)
		first := start + window*int64(i)/int64(len(made))
		if notBefore := j.desired.NotBefore; notBefore.After(now) {
			first = start + int64(notBefore.Sub(now)/slot)
		}
		j.interval = slots(t.Interval)
		j.phase = phaseOf(j.app, j.interval)
		s.queue(j, first)
	}
}

// queue puts a job on the wheel. Later probes are made in phase, whenever this one is.
func (s *Scheduler) queue(j *job, due int64) {
	j.due, j.queued = due, true
	s.wheel.add(j)
}

func (s *Scheduler) unqueue(j *job) {
	if j.queued {
		s.wheel.remove(j)
		j.queued = false
	}
}
