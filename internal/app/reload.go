package app

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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

// reloadMetrics tell how the last reload went.
type reloadMetrics struct {
	bad  atomic.Bool
	last atomic.Int64 // Unix nanoseconds of the last success
}

func (m *reloadMetrics) succeeded(at time.Time) {
	m.bad.Store(false)
	m.last.Store(at.UnixNano())
}

func (m *reloadMetrics) failed() { m.bad.Store(true) }

// Describe and Collect make it a prometheus.Collector.
func (m *reloadMetrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect emits the two gauges that the Prometheus family has for reloads.
func (m *reloadMetrics) Collect(ch chan<- prometheus.Metric) {
	ok := 1.0
	if m.bad.Load() {
		ok = 0
	}
	ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("health_exporter_config_last_reload_successful",
		"Whether the last attempt to load the configuration was successful.", nil, nil), prometheus.GaugeValue, ok)
	ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("health_exporter_config_last_reload_success_timestamp_seconds",
		"When the configuration was last loaded with success.", nil, nil), prometheus.GaugeValue, float64(m.last.Load())/1e9)
}
