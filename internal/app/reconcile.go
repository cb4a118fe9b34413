package app

import (
	"context"
	"time"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// derivedTarget is a target of the registry with what the configuration adds.
type derivedTarget struct {
	from, to *prober.Target
	network  *prober.NetworkPolicy // where it may be probed; nil if it is the file's
	general  *prober.NetworkPolicy // what that was made of
}

// reconcileLoop brings changes of the registry onto the schedule.
func (p *polling) reconcileLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.targets.Changed():
		}
		began := time.Now()
		p.reconcile()
		// Many changes at once are taken together: at most half of the time goes
		// into this.
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Since(began)):
		}
	}
}

// reconcile makes the schedule what registry and configuration say.
func (p *polling) reconcile() {
	p.reconciling.Lock()
	defer p.reconciling.Unlock()
	rules := p.rules.Load()
	targets, gone := p.targets.Everything()
	jobs := make([]schedule.Job, len(targets))
	derived := make(map[string]derivedTarget, len(targets))
	for i, t := range targets {
		d := derivedTarget{from: t, to: t}
		if !t.Source.ByOperator() {
			d = p.derive(rules.cfg, t)
		}
		derived[t.App] = d
		jobs[i] = p.job(rules, d)
	}
	p.derived, p.begun = derived, true
	p.gone.Store(&gone) // before the schedule loses them
	p.forgetRestored(derived)
	p.scheduler.Sync(jobs)
}

// derive says whether the target's address may be mailed. It returns the same
// pointer as long as nothing changes.
func (p *polling) derive(cfg *config.Config, t *prober.Target) derivedTarget {
	allowed := mailAllowed(cfg, t)
	d, ok := p.derived[t.App]
	if !ok || d.from != t || d.to.MailAllowed != allowed {
		to := *t
		to.MailAllowed = allowed
		d = derivedTarget{from: t, to: &to}
	}
	if d.general != cfg.Network {
		d.general, d.network = cfg.Network, cfg.Network
		switch {
		case t.Source == prober.SourceMDNS:
			d.network = networkForFound(cfg, t)
		case t.FromOtherHost():
			d.network = cfg.Network.ForOthers()
		}
	}
	return d
}

func (p *polling) job(rules *rules, d derivedTarget) schedule.Job {
	t := d.to
	module, problem := rules.module(t)
	job := schedule.Job{Target: t, Module: module, Problem: problem, NotBefore: p.firstProbe(t), Network: d.network}
	// Targets of the file are registered anew with each start; those that are discovered
	// may be found again only later.
	_, found := t.Source.Job()
	known := !t.RegisteredAt.After(p.started) || t.Source.ByOperator() && !p.begun || found || t.Source == prober.SourceMDNS
	if !p.restored[t.App] {
		p.restored[t.App] = true // later it would be a new target of the same name
		if known {
			job.Saved = p.targets.Saved(t.App)
		}
	}
	return job
}

// forgetRestored keeps the list of names from growing with each name that ever was. One
// without a saved state has nothing that could be used again.
func (p *polling) forgetRestored(targets map[string]derivedTarget) {
	if len(p.restored) <= 2*len(targets)+1000 {
		return
	}
	for app := range p.restored {
		if _, ok := targets[app]; !ok && p.targets.Saved(app) == nil {
			delete(p.restored, app)
		}
	}
}

// firstProbe is when the first probe is due (S1.28): programs register before
// they listen, so they are given an interval.
func (p *polling) firstProbe(t *prober.Target) time.Time {
	_, found := t.Source.Job()
	switch {
	case t.Source.ByOperator() && t.InitialDelay != nil:
		return p.started.Add(*t.InitialDelay)
	case t.Source.ByOperator() || found:
		return time.Time{}
	case t.InitialDelay != nil:
		return t.RegisteredAt.Add(*t.InitialDelay)
	}
	return t.RegisteredAt.Add(t.Interval)
}
