package registry

import (
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/prober"
)

// circle is the circle that t would be in, if it came now; nil if that is none.
func (b *batch) circle(t *prober.Target) *prober.CircleError {
	if len(t.DependsOn) == 0 {
		return nil
	}
	b.r.mu.RLock()
	order := slices.Clone(b.r.order)
	b.r.mu.RUnlock()
	if !slices.Contains(order, t.Source) { // it has none yet but those that are staged
		order = append(order, t.Source)
	}
	return prober.Circle(t.App, func(name string) []string {
		if name == t.App {
			return t.DependsOn
		}
		for _, source := range order {
			if other := b.target(key{source, name}); other != nil {
				return other.DependsOn
			}
		}
		return nil
	})
}

// withoutCirclesLocked leaves out the targets of a source that close a circle, with
// each other or with those of other sources. The file's stay, with a warning: it is the
// operator who wrote them, and a circle within the file is not loaded.
func (r *Registry) withoutCirclesLocked(source prober.Source, targets []prober.Target) []prober.Target {
	if source == prober.SourceConfig {
		r.warnOfCirclesLocked(targets)
		return targets
	}
	next := make(map[string]*prober.Target, len(targets))
	refused := map[string]bool{}
	kept := targets[:0:0]
	for i := range targets {
		t := &targets[i]
		if next[t.App] != nil {
			continue // the first counts
		}
		next[t.App] = t
		if c := r.circleLocked(source, t, next); c != nil {
			delete(next, t.App)
			refused[t.App] = true
			if !r.circles[source][t.App] {
				r.log.Warn("a target is left out", "target", t.App, "source", source, "problem", "depends_on "+c.Error())
			}
			continue
		}
		kept = append(kept, *t)
	}
	r.circles[source] = refused
	return kept
}

// warnOfCirclesLocked logs circles that the file closes with what is registered or
// discovered, each once. Whoever tells people takes none in a circle for the reason of
// another one's outage, so that nobody is kept quiet about.
func (r *Registry) warnOfCirclesLocked(targets []prober.Target) {
	next := make(map[string]*prober.Target, len(targets))
	for i := range targets {
		next[targets[i].App] = &targets[i]
	}
	found := map[string]bool{}
	for i := range targets {
		c := r.circleLocked(prober.SourceConfig, &targets[i], next)
		if c == nil {
			continue
		}
		members := slices.Sorted(slices.Values(c.Names[1:]))
		circle := strings.Join(members, "\x00")
		if !found[circle] && !r.circles[prober.SourceConfig][circle] {
			r.log.Warn("a target of the configuration file depends on one that depends on it: each is told of, whatever the others do",
				"target", targets[i].App, "problem", "depends_on "+c.Error())
		}
		found[circle] = true
	}
	r.circles[prober.SourceConfig] = found
}

func (r *Registry) circleLocked(source prober.Source, t *prober.Target, next map[string]*prober.Target) *prober.CircleError {
	if len(t.DependsOn) == 0 {
		return nil
	}
	return prober.Circle(t.App, func(name string) []string {
		if other := next[name]; other != nil {
			return other.DependsOn
		}
		for _, each := range r.order {
			if each == source {
				continue // it is being replaced
			}
			if other := r.sources[each][name]; other != nil {
				return other.DependsOn
			}
		}
		return nil
	})
}
