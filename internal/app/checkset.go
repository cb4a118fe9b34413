package app

import (
	"context"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// checkSet are the checks of one configuration. It is immutable but for what is
// known of the checks.
type checkSet struct {
	checker *health.Checker
	jobs    []schedule.Job
	byName  map[string]*configuredCheck
	beats   checks.Heartbeats
}

// configuredCheck is one check of the configuration. It is opened when it is first
// run, and again until that succeeds: a file with a password may come later.
type configuredCheck struct {
	config config.Check

	mu     sync.Mutex
	opened *config.OpenCheck // nil before
	other  config.OtherCheck
}

func (c *configuredCheck) open() (config.OpenCheck, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened != nil {
		return *c.opened, nil
	}
	opened, err := c.config.Open(c.otherCheck)
	if err == nil {
		c.opened = &opened
	}
	return opened, err
}

// otherCheck returns the status of another check of the current set.
func (c *configuredCheck) otherCheck(ctx context.Context, name string) (*health.Status, bool) {
	c.mu.Lock()
	other := c.other
	c.mu.Unlock()
	return other(ctx, name)
}

func (c *configuredCheck) run(ctx context.Context) error {
	opened, err := c.open()
	if err != nil {
		return err
	}
	return opened.Run(ctx)
}

func (c *configuredCheck) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened == nil || c.opened.Close == nil {
		return nil
	}
	return c.opened.Close()
}

// newCheckSet makes the checks of a configuration. Those that are as they were in
// the old set keep what they have open, and the beats they have got.
func (c *checking) newCheckSet(cfg *config.Config, old *checkSet) (*checkSet, error) {
	set := &checkSet{
		checker: &health.Checker{Log: c.log, Redact: redact.Text},
		byName:  map[string]*configuredCheck{}, beats: checks.Heartbeats{},
	}
	list := c.own()
	for _, each := range cfg.Checks {
		check := &configuredCheck{config: each}
		if old != nil {
			if before := old.byName[each.Name]; before != nil && before.config.Fingerprint == each.Fingerprint {
				check = before
			}
		}
		check.mu.Lock()
		check.other = set.checker.CheckOne
		check.mu.Unlock()
		set.byName[each.Name] = check
		list = append(list, set.healthCheck(check))
		set.jobs = append(set.jobs, c.checkJob(set.checker, check))
		if opened, err := check.open(); err != nil {
			c.log.Warn("a check cannot be made ready yet", "check", each.Name, "err", redact.Text(err.Error()))
		} else if opened.Heartbeat != nil {
			set.beats[each.Name] = opened.Heartbeat
		}
	}
	return set, set.checker.Add(list...)
}

// healthCheck is a check as the endpoints see it. The schedule runs it, and they see what
// is known; they run it themselves if that has expired, or there is nothing yet.
func (s *checkSet) healthCheck(c *configuredCheck) health.Check {
	check := c.config.Check
	check.Run = c.run
	check.Interval, check.InitialDelay = 0, 0
	return check
}

// checkJob has the schedule run a check.
func (c *checking) checkJob(checker *health.Checker, configured *configuredCheck) schedule.Job {
	check := &configured.config.Check
	target := &prober.Target{
		App: check.Name, Source: prober.SourceConfig, Interval: check.Interval,
		Timeout: check.Timeout + time.Second, Unhealthy: check.Thresholds.Unhealthy, Healthy: check.Thresholds.Healthy,
		DegradedAfter: check.Thresholds.DegradedAfter, FastStart: check.Thresholds.FastStart,
	}
	return schedule.Job{
		Target: target, Check: &schedule.Check{Kind: configured.config.Kind}, Module: prober.CheckModule(checker, check.Name, check.Timeout),
		NotBefore: c.started.Add(check.InitialDelay),
	}
}

func sameChecks(old *checkSet, now []config.Check) bool {
	if len(old.byName) != len(now) {
		return false
	}
	for _, check := range now {
		before := old.byName[check.Name]
		if before == nil || before.config.Fingerprint != check.Fingerprint {
			return false
		}
	}
	return true
}
