package app

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
)

// Reload loads and validates the configuration file, and puts it in force as a
// whole or not at all. Targets that have not changed miss no probe.
func (a *App) Reload(ctx context.Context) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("reloading: %w", context.Cause(ctx))
	}
	if err := a.reload(); err != nil {
		a.reloads.failed()
		a.log.Error("the configuration was not reloaded, the old one stays in force", "err", err)
		return err
	}
	return nil
}

// reload is Reload without logging and metrics.
func (a *App) reload() error {
	if a.opts.ConfigFile != "" && a.file.Load().Once() {
		return fmt.Errorf("%s can be read only once: restart the exporter to give it another configuration", a.opts.ConfigFile)
	}
	cfg, file, restart, err := a.loadAgain()
	a.tried.Store(file)
	if err != nil {
		return err
	}
	if file != nil {
		if err := file.Replaces(a.file.Load()); err != nil {
			return fmt.Errorf("reading configuration: %w", err)
		}
	}
	if web := a.opts.Web.WebConfigFile; web != nil {
		if err := CheckWebConfig(*web); err != nil {
			return err
		}
	}
	outbox, err := a.telling.options(cfg)
	if err != nil {
		return err
	}
	a.file.Store(file)
	a.adopt(cfg)
	a.polling.reconcile()
	a.telling.reconfigure(outbox)
	for _, option := range restart {
		a.log.Warn("an option of the configuration file has changed, which takes effect when the exporter is restarted", "file", cfg.File, "at", "options."+option)
	}
	a.log.Info("configuration reloaded", "file", cfg.File, "targets", len(cfg.Targets), "modules", len(cfg.Modules))
	return nil
}

// loadAgain is loadConfig with the options of the file, whose faults are told with all
// others. restart names the options that have changed.
func (a *App) loadAgain() (cfg *config.Config, file *config.File, restart []string, err error) {
	if a.opts.ConfigFile == "" || a.opts.FileOptions == nil {
		cfg, file, err = loadConfig(a.opts.ConfigFile, a.opts.UserAgent)
		return cfg, file, nil, err
	}
	if file, err = config.Read(a.opts.ConfigFile); err != nil {
		return nil, file, nil, err
	}
	file.UserAgent = a.opts.UserAgent
	options, _ := file.Options() // Load says what is wrong with the rest of them
	faults, restart := a.opts.FileOptions(options)
	if len(faults) > 0 {
		return nil, file, nil, file.Refuse(faults)
	}
	cfg, err = file.Load()
	return cfg, file, restart, err
}

// settle is how long files must stay as they are before they are reloaded unasked:
// whoever writes them may not be done.
const settle = 500 * time.Millisecond

// watchConfig reloads when a file of the configuration has something else in it than when
// it was last read, if that is asked for. What is bad is tried once, until it changes again.
func (a *App) watchConfig(ctx context.Context) {
	if a.opts.AutoReload <= 0 || a.opts.ConfigFile == "" {
		return
	}
	tick := time.NewTicker(a.opts.AutoReload)
	defer tick.Stop()
	wait := func() {
		select {
		case <-ctx.Done():
		case <-time.After(min(settle, a.opts.AutoReload)):
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if file := a.tried.Load(); file.Changed() && file.Settled(wait) {
			_ = a.Reload(ctx) // it logs its own errors
		}
	}
}

// reloads records how the configuration was last loaded.
type reloads struct {
	bad  atomic.Bool
	last atomic.Pointer[time.Time]
}

func (r *reloads) succeeded(at time.Time) {
	r.bad.Store(false)
	r.last.Store(&at)
}

func (r *reloads) failed() { r.bad.Store(true) }

func (r *reloads) stats() selfmetrics.Reloads {
	s := selfmetrics.Reloads{Successful: !r.bad.Load()}
	if at := r.last.Load(); at != nil {
		s.LastSuccess = *at
	}
	return s
}
