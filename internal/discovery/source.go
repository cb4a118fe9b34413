package discovery

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/discovery/targetgroup"

	"github.com/health-exporter/health_exporter/prober"
)

// source is one mechanism of one job. Its configurations, of which there may be
// several, run side by side, and their targets are one list.
type source struct {
	name      prober.Source
	mechanism string
	log       *slog.Logger

	job   *Job
	units []*unit // changes only while mu is held too
	// removed is what units had found that are no more. It stands until each of those
	// in their place has answered.
	removed []labelSet

	failures *failures
	dropped  map[drop]bool // what is left out at the moment

	mu       sync.Mutex // protects all following fields
	targets  int
	lastList time.Time
	drops    map[string]uint64
}

// adopt takes over another configuration. Units whose own has not changed go on.
func (s *source) adopt(job *Job, m *Mechanism, changed func()) {
	s.job = job
	old := s.units
	var units []*unit
	for _, c := range m.Configs {
		i := slices.IndexFunc(old, func(u *unit) bool { return u.config.Text == c.Text })
		if i >= 0 {
			units = append(units, old[i])
			old = slices.Delete(slices.Clone(old), i, i+1)
			continue
		}
		units = append(units, &unit{
			config: c, job: job.Name, failures: s.failures, changed: changed, groups: map[string]*targetgroup.Group{}, held: map[string]bool{},
			log: slog.New(listener{s.log.Handler(), s.failures}),
		})
	}
	s.mu.Lock()
	s.units = units
	s.mu.Unlock()
	for _, u := range old {
		u.end()
		s.removed = append(s.removed, u.last...)
	}
}

// restore takes over the lists of the last run.
func (s *source) restore(lists map[string][]labelSet) {
	for _, u := range s.units {
		u.last = lists[u.config.sum()]
		delete(lists, u.config.sum())
	}
	for _, each := range lists {
		s.removed = append(s.removed, each...)
	}
}

// lists are those in force, by configuration.
func (s *source) lists() map[string][]labelSet {
	lists := map[string][]labelSet{}
	if len(s.removed) > 0 {
		lists[""] = s.removed
	}
	for _, u := range s.units {
		lists[u.config.sum()] = u.last
	}
	return lists
}

// begin starts the units that do not run yet.
func (s *source) begin(ctx context.Context, work *sync.WaitGroup) {
	for _, u := range s.units {
		if u.stop == nil {
			var running context.Context
			running, u.stop = context.WithCancel(ctx)
			work.Go(func() { u.run(running) })
		}
	}
}

func (u *unit) end() {
	if u.stop != nil {
		u.stop()
	}
}

// look takes over what the units have found, and reports whether anything is new. With
// again the rules are new too.
func (s *source) look(again bool) bool {
	complete, news := true, again
	last := time.Time{}
	for _, u := range s.units {
		f := u.take()
		news, complete = news || f.fresh, complete && f.answered
		if f.lastList.After(last) {
			last = f.lastList
		}
		if f.answered && (f.fresh || again) {
			u.last = relabelled(f.groups, s.job.Relabel)
		}
	}
	if complete {
		s.removed = nil
	}
	if !last.IsZero() {
		s.mu.Lock()
		s.lastList = last
		s.mu.Unlock()
	}
	return news
}

// inForce is the list of all units, each set once.
func (s *source) inForce() []labelSet {
	all := s.removed
	for _, u := range s.units {
		all = slices.Concat(all, u.last)
	}
	seen := make(map[string]bool, len(all))
	var list []labelSet
	for _, set := range all {
		if k := set.key(); !seen[k] {
			seen[k] = true
			list = append(list, set)
		}
	}
	return list
}

// maxSaid is how many targets that are left out are logged at a time.
const maxSaid = 5

// note counts and logs what is left out that was not before.
func (s *source) note(targets int, drops []drop) {
	now := make(map[drop]bool, len(drops))
	var fresh []drop
	for _, d := range drops {
		if !now[d] && !s.dropped[d] {
			fresh = append(fresh, d)
		}
		now[d] = true
	}
	s.dropped = now
	for _, d := range fresh[:min(len(fresh), maxSaid)] {
		s.log.Warn("discovered and skipped", "target", d.target, "reason", d.reason, "detail", d.detail)
	}
	if more := len(fresh) - maxSaid; more > 0 {
		s.log.Warn("more was discovered and skipped", "targets", more)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets = targets
	for _, d := range fresh {
		s.drops[d.reason]++
	}
}
