package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/internal/server"
)

// Options are fixed for the life of the program.
type Options struct {
	// ConfigFile is the configuration file; empty for none.
	ConfigFile string
	// StoragePath is the directory for all that is kept over a restart; empty keeps it in
	// memory.
	StoragePath string
	// OnCorruption is "restore" or "fail".
	OnCorruption string
	// Web says where and how to listen. Required.
	Web *web.FlagConfig
	// TimeoutOffset is taken off the scrape timeout that Prometheus announces.
	TimeoutOffset time.Duration
	// ExternalURL is under which browsers find the exporter; empty if nobody says so.
	ExternalURL string
	// RoutePrefix is below which everything is served; empty means /.
	RoutePrefix string
	// DrainDelay is the time between "not ready" and closing the listeners.
	DrainDelay time.Duration
	// Hurry is closed when whoever stops the exporter waits no longer: neither for the
	// end of the drain delay nor for requests under way. nil for never.
	Hurry <-chan struct{}
	// MaxInFlight bounds the probes under way; 0 derives it from the open files allowed.
	MaxInFlight int
	// MaxAdHocProbes bounds the ad-hoc probes under way.
	MaxAdHocProbes int
	// HistoryLimit is how many ad-hoc probes are remembered for /logs.
	HistoryLimit int
	// ProbeLog receives what ad-hoc probes log; nil for nobody.
	ProbeLog slog.Handler
	// AutoReload is how often the configuration file is looked at for changes; 0 for never.
	AutoReload time.Duration
	// NativeHistograms keeps those of the durations of probes, per module, and offers
	// /metrics in protobuf.
	NativeHistograms bool
	// Zeroconf announces the exporter on the local network, unless it listens on
	// loopback only.
	Zeroconf bool
	// Settings are the options in force, for /environment; nil for none.
	Settings func() []envinfo.Setting
	// Profiling serves /debug/pprof/.
	Profiling bool
	// Version and Revision of the program.
	Version, Revision string
	// Log must not be nil.
	Log *slog.Logger
}

// App is the running exporter.
type App struct {
	opts     Options
	log      *slog.Logger
	started  time.Time
	registry *registry.Registry
	metrics  *prometheus.Registry
	reloads  reloads
	unknown  atomic.Uint64 // times that /probe was asked for an unknown module

	polling  *polling
	checking *checking
	telling  *telling
	past     *past

	finding   *finding
	listeners []net.Listener

	config   atomic.Pointer[config.Config]
	settings atomic.Pointer[server.Settings]
	notReady atomic.Pointer[error]

	reloading sync.Mutex // makes reloads one at a time
}

// New loads the configuration and opens the storage. Close, or Run, must follow.
func New(opts Options) (*App, error) {
	cfg, err := loadConfig(opts.ConfigFile)
	if err != nil {
		return nil, err
	}
	a := &App{
		opts: opts, log: opts.Log, started: time.Now(),
	}
	a.setNotReady(errors.New("starting"))
	a.registry, err = registry.Open(registry.Options{
		Path: opts.StoragePath, OnCorruption: opts.OnCorruption, Log: opts.Log,
	})
	if err != nil {
		return nil, err
	}
	a.telling = newTelling(&a.opts, a.ready)
	a.polling = newPolling(&a.opts, a.started, a.registry, a.telling.changed, a.telling.stored)
	a.checking = newChecking(&a.opts, a.started, a.registry, a.telling.changed, a.telling.stored, a.ownChecks)
	a.telling.targets, a.telling.checks, a.telling.saved = a.polling.everybody, a.checking.scheduler.Snapshot, a.registry.Saved
	if err := a.telling.open(cfg); err != nil {
		return nil, errors.Join(err, a.registry.Close())
	}
	a.past = &past{
		path: opts.StoragePath, log: opts.Log, started: a.started, targets: a.polling.scheduler, checks: a.checking.scheduler,
		covering: maintenanceBook{a.telling}.Covering,
	}
	if err := a.past.open(cfg); err != nil {
		return nil, errors.Join(err, a.telling.close(), a.registry.Close())
	}
	a.finding = newFinding(&a.opts, a.registry, func() listening {
		place := reachable(a.listeners)
		place.https = usesTLS(opts.Web.WebConfigFile)
		return place
	})
	if err := a.finding.open(cfg); err != nil {
		return nil, errors.Join(err, a.past.close(), a.telling.close(), a.registry.Close())
	}
	a.adopt(cfg)
	a.metrics = a.newMetrics()
	a.polling.reconcile()
	return a, nil
}

func loadConfig(file string) (*config.Config, error) {
	if file == "" {
		return config.Default(), nil
	}
	return config.Load(file)
}

// adopt puts a configuration in force, all but the schedule.
func (a *App) adopt(cfg *config.Config) {
	a.warn(cfg)
	a.polling.adopt(cfg)
	r := &cfg.Registration
	a.settings.Store(&server.Settings{
		Modules: a.polling.modules(), Network: cfg.Network, ConfigText: cfg.Text, ModuleText: cfg.ModuleText,
		Environment: a.environment(cfg), SeesEnvironment: cfg.Environment.Allows,
		ExternalURL: externalURL(cfg, a.opts.ExternalURL), Public: public(cfg.Public),
		Access: a.accessRules(cfg),
		Registration: server.Registration{
			MaxTargets: r.MaxTargets, MaxTargetsPerOwner: r.MaxTargetsPerOwner, MaxTargetsPerAddress: r.MaxTargetsPerAddress,
			Rate: r.Rate, Burst: r.Burst, AllowsEmail: r.AllowsEmail,
		},
	})
	a.config.Store(cfg)
	a.checking.adopt(cfg)
	a.telling.adopt(cfg)
	a.finding.adopt(cfg)
	a.reloads.succeeded(time.Now())
}

// externalURL is under which people find the exporter: what the configuration says to
// mails, or what the command line says.
func externalURL(cfg *config.Config, commandLine string) string {
	return strings.TrimSuffix(cmp.Or(cfg.Alerting.ExternalURL, commandLine), "/")
}

func public(p *config.Public) *server.Public {
	if p == nil {
		return nil
	}
	return &server.Public{Title: p.Title, Shows: func(kind, name, group string) bool { return p.Shows(kind == "check", name, group) }}
}

// warn logs what is most likely a mistake in the configuration.
func (a *App) warn(cfg *config.Config) {
	for _, warning := range cfg.Warnings() {
		a.log.Warn("the configuration looks wrong", "file", cfg.File, "line", warning.Line,
			"at", warning.Path, "problem", warning.Detail)
	}
}

func (a *App) setNotReady(err error) { a.notReady.Store(&err) }

func (a *App) ready() error { return *a.notReady.Load() }

func (a *App) newMetrics() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collector.NewBuildInfo(a.opts.Version, a.opts.Revision),
		collector.NewEnvironment((&envinfo.Environment{}).Info()),
		selfmetrics.Storage(a.registry.Stats),
		selfmetrics.Reload(a.reloads.stats),
		selfmetrics.AdHoc(a.unknown.Load),
	)
	reg.MustRegister(a.polling.collectors()...)
	reg.MustRegister(a.checking.collectors()...)
	reg.MustRegister(a.telling.collectors()...)
	reg.MustRegister(a.past.collectors()...)
	reg.MustRegister(a.finding.collectors()...)
	return reg
}

// handler is the whole HTTP surface.
func (a *App) handler() http.Handler {
	page := collector.NewPage(a.polling.scheduler, a.metrics, a.log)
	if a.opts.NativeHistograms {
		page.OfferProtobuf()
	}
	return server.New(server.Deps{
		Settings: a.settings.Load, Registry: a.registry, Scheduler: a.polling.scheduler, Checks: a.checking.scheduler,
		RoutePrefix: a.opts.RoutePrefix, Apply: a.polling.reconcile, Reload: a.Reload, Ready: a.ready,
		Maintenance: maintenanceBook{a.telling}, Checker: a.checking.checker, Beat: a.checking.beat,
		Metrics: page, History: a.past.store,
		Version: a.opts.Version, Revision: a.opts.Revision, Started: a.started,
		MaxAdHocProbes: maxAdHocProbes(a.opts.MaxAdHocProbes), LogsIn: func() bool { return hasUsers(a.opts.Web.WebConfigFile) },
		HistoryLimit: a.opts.HistoryLimit, ProbeLog: a.opts.ProbeLog, UnknownModule: func() { a.unknown.Add(1) },
		TimeoutOffset: a.opts.TimeoutOffset, Profiling: a.opts.Profiling, Log: a.log,
	})
}

// Run serves and probes until ctx is done, then shuts down in order: not ready, states
// saved, requests finished and probes ended, states saved again, storage closed.
func (a *App) Run(ctx context.Context) error {
	listeners, err := a.listen()
	if err != nil {
		return errors.Join(err, a.closeStorage())
	}
	var work sync.WaitGroup
	working, stopWork := context.WithCancelCause(context.WithoutCancel(ctx))
	a.polling.begin(working, &work)
	a.checking.begin(working, &work)
	a.past.begin(working, &work)
	work.Go(func() { a.watchConfig(working) })
	a.telling.begin(working, &work)
	a.setNotReady(nil)
	a.listeners = listeners
	a.finding.begin(working, &work)

	served := a.serve(ctx, listeners)
	err = a.untilTold(ctx, served.failed)
	return a.shutDown(context.WithoutCancel(ctx), err, &ending{served: served, stopWork: stopWork, work: &work})
}

// closeStorage closes all files.
func (a *App) closeStorage() error {
	return errors.Join(a.past.close(), a.telling.close(), a.registry.Close())
}
