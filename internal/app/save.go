package app

import (
	"context"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

const (
	saveDelay = time.Second // changes of state within it share a transaction
	saveAll   = time.Minute
)

// saveLoop writes changed states, at most once a second; and once a minute the
// runs of outcomes that have not led to a change yet.
func (a *App) saveLoop(ctx context.Context) {
	written := map[string]health.State{}
	all := time.NewTicker(saveAll)
	defer all.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.scheduler.Changed():
			select {
			case <-ctx.Done():
				return // Run saves everything at the end
			case <-time.After(saveDelay):
			}
			a.save(a.scheduler.TakeChanged(), written)
		case <-all.C:
			a.save(a.unwritten(written), written)
			a.forgetGone(written)
		}
	}
}

func (a *App) save(states map[string]*prober.Saved, written map[string]health.State) {
	if len(states) == 0 {
		return
	}
	if err := a.registry.Save(states); err != nil {
		a.log.Error("states could not be saved", "states", len(states), "err", err)
		return
	}
	for app, saved := range states {
		written[app] = saved.State
	}
}

// unwritten finds the states that a restart would lose and that matter: a run of
// outcomes counts only up to the threshold.
func (a *App) unwritten(written map[string]health.State) map[string]*prober.Saved {
	states := map[string]*prober.Saved{}
	saved := a.scheduler.Saved()
	for _, st := range a.scheduler.Snapshot() {
		app := st.Target.App
		old, ok := written[app]
		if s := saved[app]; s != nil && (!ok || clipped(old, st.Target) != clipped(s.State, st.Target)) {
			states[app] = s
		}
	}
	return states
}

func clipped(s health.State, t *prober.Target) health.State {
	most := uint32(max(t.Healthy, t.Unhealthy, health.DefaultHealthy))
	s.Failures, s.Successes, s.Passes = min(s.Failures, most), min(s.Successes, most), min(s.Passes, most)
	return s
}

// forgetGone drops the states of targets that exist no more.
func (a *App) forgetGone(written map[string]health.State) {
	var gone []string
	for app := range written {
		if _, ok := a.registry.Target(app); !ok {
			gone = append(gone, app)
			delete(written, app)
		}
	}
	if len(gone) == 0 {
		return
	}
	if err := a.registry.Forget(gone); err != nil {
		a.log.Error("states of removed targets could not be dropped", "targets", len(gone), "err", err)
	}
}
