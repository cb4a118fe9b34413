package app

import (
	"path/filepath"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/discovery"
	"github.com/health-exporter/health_exporter/prober"
)

// openDiscovery prepares the discovery of targets. The lists of the last run are in
// force with the first configuration, so that a restart neither forgets a target nor
// tells anybody that it is gone.
func (a *App) openDiscovery() {
	kept := ""
	if a.opts.StoragePath != "" {
		kept = filepath.Join(a.opts.StoragePath, "discovered.json")
	}
	a.discovery = discovery.New(discovery.Options{Replace: a.registry.Replace, KeptFile: kept, Log: a.log})
}

// adoptDiscovery puts the jobs of a configuration in force.
func (a *App) adoptDiscovery(cfg *config.Config) {
	jobs := make([]*discovery.Job, len(cfg.Discovery.Jobs))
	for i, j := range cfg.Discovery.Jobs {
		job := &discovery.Job{Name: j.Name, Relabel: j.Relabel, Defaults: j.Defaults, MaxTargets: j.MaxTargets}
		for _, m := range j.Mechanisms {
			mechanism := discovery.Mechanism{Name: m.Name}
			for _, c := range m.Configs {
				mechanism.Configs = append(mechanism.Configs, discovery.Config{Config: c.Config, Text: c.Text})
			}
			job.Mechanisms = append(job.Mechanisms, mechanism)
		}
		jobs[i] = job
	}
	a.discovery.Sync(jobs, cfg.KindOf)
}

// mailAllowed tells whether the target's address may be mailed: it is on the list, or
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
