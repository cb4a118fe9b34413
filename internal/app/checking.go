package app

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// checkPrefix begins the names under which the states of checks are saved; no
// target's name can have such a character.
const checkPrefix = "check\x00"

// closeTimeout is how long checks that were removed have to return.
const closeTimeout = 5 * time.Second

// checking has the in-process checks, and their schedule.
type checking struct {
	log     *slog.Logger
	started time.Time
	own     func() []health.Check // those of the exporter itself

	scheduler *schedule.Scheduler
	set       atomic.Pointer[checkSet] // nil before the first configuration
	states    states
	changed   func(old, next *checkSet) // is told of another set of checks
}

func newChecking(opts *Options, started time.Time, states states, own func() []health.Check) *checking {
	c := &checking{log: opts.Log, started: started, own: own, states: states}
	c.scheduler = schedule.New(schedule.Options{Log: opts.Log, Paused: c.excuse})
	return c
}

func (c *checking) open(*config.Config) error { return nil }

// adopt puts the checks of a configuration in force.
func (c *checking) adopt(cfg *config.Config) {
	old := c.set.Load()
	if old != nil && sameChecks(old, cfg.Checks) {
		return
	}
	set, err := c.newCheckSet(cfg, old)
	if err != nil {
		// The configuration was found valid, so this is a fault of ours.
		c.log.Error("the checks cannot be used", "err", err)
		return
	}
	for i := range set.jobs {
		if name := set.jobs[i].Target.App; old == nil || old.byName[name] == nil {
			set.jobs[i].Saved = c.states.Saved(checkPrefix + name)
		}
		c.restoreBeats(set, old, &set.jobs[i])
	}
	c.set.Store(set)
	c.scheduler.Sync(set.jobs)
	if old != nil {
		c.changed(old, set)
		c.closeSet(old, set)
	}
}

// exists reports whether there is a check of that name.
func (c *checking) exists(name string) bool {
	set := c.set.Load()
	return set != nil && set.byName[name] != nil
}

// names are those of the checks.
func (c *checking) names() []string {
	set := c.set.Load()
	if set == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(set.byName))
}

// begin runs the checks.
func (c *checking) begin(ctx context.Context, work *sync.WaitGroup) {
	work.Go(c.scheduler.Begin(ctx)) // whoever finds us ready may ask for a probe
}

// close closes the checks.
func (c *checking) close() error {
	if set := c.set.Load(); set != nil {
		c.closeSet(set, nil)
	}
	return nil
}

func (c *checking) collectors() []prometheus.Collector {
	return []prometheus.Collector{collector.NewScheduledChecks(c.scheduler)}
}

// checker has the checks as the endpoints see them.
func (c *checking) checker() *health.Checker { return c.set.Load().checker }

// beat records a beat for a heartbeat check, if there is one of that name.
func (c *checking) beat(check string) bool {
	h := c.set.Load().beats[check]
	if h != nil {
		h.Beat()
		c.scheduler.Touch(check) // so that it is kept soon
	}
	return h != nil
}

// restoreBeats has a heartbeat go on where it was before a restart, or a reload.
func (c *checking) restoreBeats(set, old *checkSet, job *schedule.Job) {
	h := set.beats[job.Target.App]
	switch {
	case h == nil:
	case old != nil && old.beats[job.Target.App] != nil:
		h.Restore(old.beats[job.Target.App].Since())
	case job.Saved != nil:
		h.Restore(job.Saved.Awaited, job.Saved.Beat)
	}
}

// keepBeats adds to what is saved of a check which beats it has got.
func (c *checking) keepBeats(name string, to *schedule.Saved) {
	if h := c.set.Load().beats[name]; h != nil {
		to.Awaited, to.Beat = h.Since()
	}
}

// excuse subtracts a time in which the program did not run from the silence of heartbeats.
func (c *checking) excuse(pause time.Duration) {
	if set := c.set.Load(); set != nil {
		for _, h := range set.beats {
			h.Excuse(pause)
		}
	}
}

// closeSet ends a set, and closes what is not in the one that follows, if any.
func (c *checking) closeSet(old, next *checkSet) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := old.checker.Close(ctx); err != nil {
		c.log.Warn("checks do not end", "err", err)
	}
	for name, check := range old.byName {
		if next != nil && next.byName[name] == check {
			continue
		}
		if err := check.close(); err != nil {
			c.log.Warn("closing a check", "check", name, "err", redact.Text(err.Error()))
		}
	}
}
