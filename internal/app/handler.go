package app

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/internal/server"
)

// handler is the whole HTTP surface.
func (a *App) handler() http.Handler {
	page := collector.NewPage(a.polling.scheduler, a.metrics(), a.log)
	page.Drop(func(family string) bool { return a.config.Load().Metrics.Drops(family) })
	if a.opts.NativeHistograms {
		page.OfferProtobuf()
	}
	return server.New(server.Deps{
		Settings: a.serving.settings.Load, History: a.past.store, Events: a.past.journal(), Maintenance: maintenanceWindows{a.telling},
		Targets: server.Targets{Registry: a.storage, Scheduler: a.polling.scheduler, Apply: a.polling.reconcile},
		Checks:  server.Checks{Schedule: a.checking.scheduler, Checker: a.checking.checker, Beat: a.checking.beat},
		Exporter: server.Exporter{
			Version: a.opts.Version, Started: a.started, Ready: a.serving.ready, Reload: a.Reload, RoutePrefix: a.opts.RoutePrefix,
			LogsIn: func() bool { return hasUsers(a.opts.Web.WebConfigFile) }, Profiling: a.opts.Profiling, Stopping: a.serving.stopping,
		},
		AdHoc: server.AdHoc{
			TimeoutOffset: a.opts.TimeoutOffset, MaxAdHocProbes: maxAdHocProbes(a.opts.MaxAdHocProbes), HistoryLimit: a.opts.HistoryLimit,
			ProbeLog: a.opts.ProbeLog, UnknownModule: func() { a.serving.unknown.Add(1) },
		},
		Metrics: page, Log: a.log,
	})
}

// starting answers until everything is loaded.
func (a *App) starting() http.Handler {
	return server.Starting(a.opts.RoutePrefix)
}

// MetricFamilies are the families of metrics that the configuration can leave out, with
// the shipped rules and dashboards that need each.
func MetricFamilies() map[string][]string {
	needs, families := alerting.Needs(), map[string][]string{}
	for _, name := range collector.TargetFamilies() {
		families[name] = needs[name]
	}
	return families
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
