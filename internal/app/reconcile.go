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

// reconcile brings the schedule up to date with registry and configuration: with what has
// changed in the registry, or, with another configuration, with everything.
func (p *polling) reconcile() {
	p.reconciling.Lock()
	defer p.reconciling.Unlock()
	rules := p.rules.Load()
	changes := p.targets.Changes(rules != p.applied)
	derived := p.derived
	if changes.All {
		derived = make(map[string]derivedTarget, len(changes.Targets))
	}
	jobs := make([]schedule.Job, len(changes.Targets))
	for i, t := range changes.Targets {
		d := derivedTarget{from: t, to: t}
		if t.Source.ByOperator() {
			delete(derived, t.App)
		} else {
			d = p.derive(rules.cfg, t)
			derived[t.App] = d
		}
		jobs[i] = p.job(rules, d)
	}
	for _, app := range changes.Removed {
		delete(derived, app)
	}
	p.derived, p.applied = derived, rules
	p.gone.Store(&changes.Gone) // before the schedule loses them
	if changes.All {
		p.scheduler.Sync(jobs)
	} else {
		p.scheduler.Apply(jobs, changes.Removed)
	}
	p.forgetRestored()
}

// derive says whether the target's address may be mailed, and where it may be probed. It
// gives the same pointers as long as nothing changes.
func (p *polling) derive(cfg *config.Config, t *prober.Target) derivedTarget {
	d, ok := p.derived[t.App]
	if allowed := mailAllowed(cfg, t); !ok || d.from != t || d.to.MailAllowed != allowed {
		d = derivedTarget{from: t, to: t}
		if t.MailAllowed != allowed {
			to := *t
			to.MailAllowed = allowed
			d.to = &to
		}
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
	known := !t.RegisteredAt.After(p.started) || t.Source.ByOperator() && p.applied == nil || found || t.Source == prober.SourceMDNS
	if _, used := p.restored[t.App]; !used {
		p.restored[t.App] = struct{}{} // later it would be a new target of the same name
		if known {
			job.Saved = p.targets.Saved(t.App)
		}
	}
	return job
}

// forgetRestored keeps the list of names from growing with each name that ever was. One
// without a saved state has nothing that could be used again. It looks again only when
// there are many more.
func (p *polling) forgetRestored() {
	if len(p.restored) <= max(2*p.scheduler.Len()+1000, p.forgetAbove) {
		return
	}
	for app := range p.restored {
		if _, ok := p.targets.Target(app); !ok && p.targets.Saved(app) == nil {
			delete(p.restored, app)
		}
	}
	p.forgetAbove = 2 * len(p.restored)
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
