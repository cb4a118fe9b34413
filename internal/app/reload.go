package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
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
	outbox, err := a.outboxOptions(cfg)
	if err != nil {
		a.reloads.failed()
		a.log.Error("the configuration was not reloaded, the old one stays in force", "err", err)
		return err
	}
	a.adopt(cfg)
	a.outbox.Reconfigure(outbox)
	a.reconcile()
	a.log.Info("configuration reloaded", "file", cfg.File, "targets", len(cfg.Targets), "modules", len(cfg.Modules))
	return nil
}

// watchConfig reloads when the content of the configuration file has changed, if
// that is asked for. A file that is bad is tried once, until it changes again.
func (a *App) watchConfig(ctx context.Context) {
	if a.opts.AutoReload <= 0 || a.opts.ConfigFile == "" {
		return
	}
	seen := checksum(a.opts.ConfigFile)
	tick := time.NewTicker(a.opts.AutoReload)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := checksum(a.opts.ConfigFile); now != seen {
			seen = now
			_ = a.Reload(ctx) // it logs its own errors
		}
	}
}

// checksum is that of the file's content; of an unreadable file it is zero.
func checksum(file string) [sha256.Size]byte {
	text, err := os.ReadFile(file)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(text)
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
