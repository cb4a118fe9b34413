package app

import (
	"slices"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/prober"
)

// lost are the targets that are gone, as of when the schedule was last made: a target
// is in the schedule, or here, and for a moment in both.
func (p *polling) lost() selfmetrics.Gone {
	g := selfmetrics.Gone{Targets: slices.Clone(*p.gone.Load()), Expired: p.targets.Expired()}
	cfg := p.rules.Load().cfg
	for i := range g.Targets {
		g.Targets[i].Email = mailable(cfg, g.Targets[i].Email)
	}
	return g
}

// mailable is the address if it may be mailed and shown.
func mailable(cfg *config.Config, address string) string {
	if address == "" || !cfg.Registration.AllowsEmail(address) {
		return ""
	}
	return address
}

// email is the target's address if it may be mailed; empty if not.
func (p *polling) email(t *prober.Target) string {
	rules := p.rules.Load()
	if t.MailAllowed || rules != nil && mailAllowed(rules.cfg, t) {
		return t.Email
	}
	return ""
}

// mailAllowed reports whether the target's address may be mailed: it is on the list, or
// the operator gave it to the job that found the target.
func mailAllowed(cfg *config.Config, t *prober.Target) bool {
	if t.Email == "" {
		return false
	}
	if name, ok := t.Source.Job(); ok {
		for i := range cfg.Discovery.Jobs {
			if j := &cfg.Discovery.Jobs[i]; j.Name == name && j.Defaults.Email == t.Email {
				return true
			}
		}
	}
	return cfg.Registration.AllowsEmail(t.Email)
}
