package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"sync/atomic"
	"time"

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
	cfg, err := loadConfig(a.opts.ConfigFile)
	if err != nil {
		a.reloads.failed()
		a.log.Error("the configuration was not reloaded, the old one stays in force", "err", err)
		return err
	}
	outbox, err := a.telling.options(cfg)
	if err != nil {
		a.reloads.failed()
		a.log.Error("the configuration was not reloaded, the old one stays in force", "err", err)
		return err
	}
	a.adopt(cfg)
	a.telling.outbox.Reconfigure(outbox)
	a.polling.reconcile()
	a.log.Info("configuration reloaded", "file", cfg.File, "targets", len(cfg.Targets), "modules", len(cfg.Modules))
	return nil
}

// watchConfig reloads when the content of a file of the configuration has changed,
// if that is asked for. What is bad is tried once, until it changes again.
func (a *App) watchConfig(ctx context.Context) {
	if a.opts.AutoReload <= 0 || a.opts.ConfigFile == "" {
		return
	}
	seen := checksum(a.config.Load().Files())
	tick := time.NewTicker(a.opts.AutoReload)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := checksum(a.config.Load().Files()); now != seen {
			seen = now        // files that come in by this reload lead to one more
			_ = a.Reload(ctx) // it logs its own errors
		}
	}
}

// checksum is that of the names and contents of files; an unreadable one has none.
func checksum(files []string) (sum [sha256.Size]byte) {
	all := sha256.New()
	for _, file := range files {
		text, err := os.ReadFile(file)
		content := sha256.Sum256(text)
		fmt.Fprintf(all, "%q %t %x\n", file, err == nil, content)
	}
	all.Sum(sum[:0])
	return sum
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

func (r *reloads) stats() selfmetrics.Reloads {
	s := selfmetrics.Reloads{Successful: !r.bad.Load()}
	if at := r.last.Load(); at != nil {
		s.LastSuccess = *at
	}
	return s
}
