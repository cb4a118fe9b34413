package app

import (
	"maps"
	"strconv"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/zeroconf"
	"github.com/health-exporter/health_exporter/prober"
)

// observeModules has the durations of scheduled probes noted, and of all probes over
// HTTP if that is asked for. It must come before the configuration is put in force.
func (a *App) observeModules(cfg *config.Config) {
	a.probes.Keep(maps.Keys(cfg.Modules))
	if a.durations == nil {
		return
	}
	if old := a.config.Load(); old != nil {
		for name := range old.Modules {
			if cfg.Modules[name] == nil {
				a.durations.Forget(name)
			}
		}
	}
	for name, m := range cfg.Modules {
		if kind := m.Kind(); kind == "http" || kind == "health" {
			cfg.Modules[name] = m.Observed(a.durations.Of(name))
		}
	}
}

// checkICMP finds out whether echo requests can be sent, and says what to do if
// not. It is looked at with each configuration, so that a reload is enough once
// they are permitted.
func (a *App) checkICMP(cfg *config.Config) {
	err := prober.ICMPAvailable()
	a.noICMP.Store(&err)
	if err == nil {
		return
	}
	report := a.log.Info // the module that is built in may be of no interest
	for _, t := range cfg.Targets {
		if m := cfg.Modules[t.Module]; m != nil && m.Kind() == "icmp" {
			report = a.log.Warn
		}
	}
	report("targets of kind icmp stay UNKNOWN", "why", err)
}

// module finds the module of a target, or says why there is none to use.
func (a *App) module(cfg *config.Config, t *prober.Target) (m *prober.Module, problem string) {
	name := t.ModuleName()
	if m = cfg.Modules[name]; t.Source == zeroconf.Source {
		m = moduleForFound(cfg, name)
	}
	if m == nil {
		return nil, "the configuration has no module " + strconv.Quote(name)
	}
	if err := *a.noICMP.Load(); err != nil && m.Kind() == "icmp" {
		return nil, err.Error()
	}
	return m, ""
}
