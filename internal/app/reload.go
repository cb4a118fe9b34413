package app

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/health-exporter/health_exporter/collector"
)

// Reload loads and validates the configuration file, and puts it in force as a
// whole or not at all. Targets that have not changed miss no probe.
func (a *App) Reload(ctx context.Context) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("reloading: %w", context.Cause(ctx))
	}
	cfg, err := loadConfig(a.opts.ConfigFile)
	if err != nil {
		a.reloads.failed()
		a.log.Error("the configuration was not reloaded, the old one stays in force", "err", err)
		return err
	}
	a.adopt(cfg)
	a.reconcile()
	a.log.Info("configuration reloaded", "file", cfg.File, "targets", len(cfg.Targets), "modules", len(cfg.Modules))
	return nil
}

// reloads tells how the configuration was last loaded.
type reloads struct {
	bad  atomic.Bool
	last atomic.Pointer[time.Time]
}

func (r *reloads) succeeded(at time.Time) {
	r.bad.Store(false)
	r.last.Store(&at)
}

func (r *reloads) failed() { r.bad.Store(true) }

func (r *reloads) stats() collector.ReloadStats {
	s := collector.ReloadStats{Successful: !r.bad.Load()}
	if at := r.last.Load(); at != nil {
		s.LastSuccess = *at
	}
	return s
}
