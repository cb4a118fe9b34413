package app

import (
	"maps"
	"strconv"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/prober"
)

// rules are what a configuration says of how targets are probed. They are immutable.
type rules struct {
	cfg         *config.Config
	modules     map[string]*prober.Module // those of cfg, observed
	unavailable map[prober.Kind]error     // why kinds cannot be probed
}

// observedModules are the modules of a configuration, made to note the durations of
// scheduled probes, and of all probes over HTTP if that is asked for.
func (p *polling) observedModules(cfg *config.Config) map[string]*prober.Module {
	p.probes.Keep(maps.Keys(cfg.Modules))
	if p.durations == nil {
		return cfg.Modules
	}
	if old := p.rules.Load(); old != nil {
		for name := range old.modules {
			if cfg.Modules[name] == nil {
				p.durations.Forget(name)
			}
		}
	}
	modules := maps.Clone(cfg.Modules)
	for name, m := range modules {
		if m.Kind().TakesURL() {
			modules[name] = m.Observed(p.durations.Of(name))
		}
	}
	return modules
}

// checkKinds finds out which kinds of probe this process cannot make, and says what to
// do about it. That is looked at with each configuration, so that a reload is enough once
// what they need is permitted.
func (p *polling) checkKinds(cfg *config.Config, available func(prober.Kind) error) (unavailable map[prober.Kind]error) {
	unavailable = map[prober.Kind]error{}
	for _, name := range prober.Kinds() {
		kind := prober.Kind(name)
		err := available(kind)
		if err == nil {
			continue
		}
		unavailable[kind] = err
		report := p.log.Info // the module that is built in may be of no interest
		for _, t := range cfg.Targets {
			if m := cfg.Modules[t.ModuleName()]; m != nil && m.Kind() == kind {
				report = p.log.Warn
			}
		}
		report("targets stay UNKNOWN", "kind", name, "why", err)
	}
	return unavailable
}

// module finds the module of a target, or says why there is none to use.
func (r *rules) module(t *prober.Target) (m *prober.Module, problem string) {
	name := t.ModuleName()
	if m = r.modules[name]; t.Source == prober.SourceMDNS {
		m = r.moduleForFound(name)
	}
	if m == nil {
		return nil, "the configuration has no module " + strconv.Quote(name)
	}
	if problem := withheld(t, m); problem != "" {
		return nil, problem
	}
	if err := r.unavailable[m.Kind()]; err != nil {
		return nil, err.Error()
	}
	return m, ""
}

// withheld says why a target may not have the module, whose credentials are for the hosts
// that it allows. What strangers have told us of may only have it if there are any. The
// registration has been refused since, but may be one of before, or the module may have
// changed.
func withheld(t *prober.Target, m *prober.Module) string {
	name := strconv.Quote(t.ModuleName())
	if _, discovered := t.Source.Job(); !discovered && !t.Source.ByOperator() && !m.Entrusted() {
		return "the module " + name + " holds credentials, and says of no host that it may have them (allow)"
	}
	if m.CheckTarget(t) != nil {
		return "the module " + name + " does not allow " + strconv.Quote(t.Host())
	}
	return ""
}
