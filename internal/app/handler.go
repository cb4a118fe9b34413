package app

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/internal/server"
)

// handler is the whole HTTP surface.
func (a *App) handler() http.Handler {
	page := collector.NewPage(a.polling.scheduler, a.metrics(), a.log)
	if a.opts.NativeHistograms {
		page.OfferProtobuf()
	}
	return server.New(server.Deps{
		Settings: a.serving.settings.Load, Registry: a.storage.Registry, Scheduler: a.polling.scheduler, Checks: a.checking.scheduler,
		RoutePrefix: a.opts.RoutePrefix, Apply: a.polling.reconcile, Reload: a.Reload, Ready: a.serving.ready,
		Maintenance: maintenanceWindows{a.telling}, Checker: a.checking.checker, Beat: a.checking.beat,
		Metrics: page, History: a.past.store,
		Version: a.opts.Version, Revision: a.opts.Revision, Started: a.started,
		MaxAdHocProbes: maxAdHocProbes(a.opts.MaxAdHocProbes), LogsIn: func() bool { return hasUsers(a.opts.Web.WebConfigFile) },
		HistoryLimit: a.opts.HistoryLimit, ProbeLog: a.opts.ProbeLog, UnknownModule: func() { a.serving.unknown.Add(1) },
		TimeoutOffset: a.opts.TimeoutOffset, Profiling: a.opts.Profiling, Log: a.log,
	})
}

// metrics are those of all parts, and of the program.
func (a *App) metrics() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collector.NewBuildInfo(a.opts.Version, a.opts.Revision),
		collector.NewEnvironment((&envinfo.Environment{}).Info()),
		selfmetrics.Reload(a.reloads.stats),
	)
	for _, p := range a.parts {
		reg.MustRegister(p.collectors()...)
	}
	return reg
}
