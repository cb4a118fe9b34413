package app

import (
	"maps"
	"strconv"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/prober"
)

// observedModules are the modules of a configuration, made to note the durations of
// scheduled probes, and of all probes over HTTP if that is asked for.
func (a *App) observedModules(cfg *config.Config) map[string]*prober.Module {
	a.probes.Keep(maps.Keys(cfg.Modules))
	if a.durations == nil {
		return cfg.Modules
	}
	if old := a.config.Load(); old != nil {
		for name := range old.Modules {
			if cfg.Modules[name] == nil {
				a.durations.Forget(name)
			}
		}
	}
	modules := maps.Clone(cfg.Modules)
	for name, m := range modules {
		if m.Kind().TakesURL() {
			modules[name] = m.Observed(a.durations.Of(name))
		}
	}
	return modules
}

// checkKinds finds out which kinds of probe this process cannot make, and says what to
// do about it. That is looked at with each configuration, so that a reload is enough once
// what they need is permitted.
func (a *App) checkKinds(cfg *config.Config, available func(prober.Kind) error) {
	unavailable := map[prober.Kind]error{}
	for _, name := range prober.Kinds() {
		kind := prober.Kind(name)
		err := available(kind)
		if err == nil {
			continue
		}
		unavailable[kind] = err
		report := a.log.Info // the module that is built in may be of no interest
		for _, t := range cfg.Targets {
			if m := cfg.Modules[t.ModuleName()]; m != nil && m.Kind() == kind {
				report = a.log.Warn
			}
		}
		report("targets stay UNKNOWN", "kind", name, "why", err)
	}
	a.unavailable.Store(&unavailable)
}

// module finds the module of a target, or says why there is none to use.
func (a *App) module(cfg *config.Config, t *prober.Target) (m *prober.Module, problem string) {
	name := t.ModuleName()
	if m = (*a.modules.Load())[name]; t.Source == prober.SourceMDNS {
		m = a.moduleForFound(cfg, name)
	}
	if m == nil {
		return nil, "the configuration has no module " + strconv.Quote(name)
	}
	if err := (*a.unavailable.Load())[m.Kind()]; err != nil {
		return nil, err.Error()
	}
	return m, ""
}
