package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/journal"
)

// Options are fixed for the life of the program.
type Options struct {
	// ConfigFile is the configuration file; empty for none.
	ConfigFile string
	// Config is ConfigFile if it was read already: a pipe cannot be read again. nil
	// otherwise.
	Config *config.File
	// StoragePath is the directory for all that is kept over a restart; empty keeps it in
	// memory.
	StoragePath string
	// UserAgent is that of probes; empty for the usual one.
	UserAgent string
	// OnCorruption is "restore" or "fail".
	OnCorruption string
	// Web says where and how to listen. Required.
	Web *web.FlagConfig
	// TimeoutOffset is taken off the scrape timeout that Prometheus announces.
	TimeoutOffset time.Duration
	// ExternalURL is the URL at which browsers find the exporter; empty if not configured.
	ExternalURL string
	// RoutePrefix is the path below which everything is served; empty means /.
	RoutePrefix string
	// DrainDelay is the time between "not ready" and closing the listeners.
	DrainDelay time.Duration
	// Hurry is closed when the exporter has to stop at once: it waits neither for the
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
	// AutoReload is how often the configuration file is checked for changes; 0 for never.
	AutoReload time.Duration
	// NativeHistograms keeps those of the durations of probes, per module, and offers
	// /metrics in protobuf.
	NativeHistograms bool
	// Zeroconf announces the exporter on the local network, unless it listens on
	// loopback only.
	Zeroconf bool
	// FileOptions looks at the options of a configuration file that is read again: the
	// faults by their names, or what would change only with a restart. nil for options
	// that are not looked at.
	FileOptions func(options map[string]string) (faults map[string]string, restart []string)
	// Settings are the options in force, for /environment; nil for none.
	Settings func() []envinfo.Setting
	// Profiling serves /debug/pprof/.
	Profiling bool
	// Version and Revision of the program.
	Version, Revision string
	// Log must not be nil.
	Log *slog.Logger
}

// listenAddresses are those of the command line.
func (o *Options) listenAddresses() []string {
	if o.Web.WebListenAddresses == nil {
		return nil
	}
	return *o.Web.WebListenAddresses
}

// App is the running exporter.
type App struct {
	opts    Options
	log     *slog.Logger
	started time.Time

	chronicle *chronicle

	parts       parts // the following, in the order in which they are opened and begin
	storage     *storage
	telling     *telling
	maintaining *maintaining
	past        *past
	saver       *saver
	polling     *polling
	checking    *checking
	serving     *serving
	finding     *finding

	config    atomic.Pointer[config.Config] // in force
	file      atomic.Pointer[config.File]   // where that was read
	tried     atomic.Pointer[config.File]   // what was last read, in force or refused
	reloads   reloads
	reloading sync.Mutex // makes reloads one at a time
}

// patience is how long nobody is told that the exporter starts: what is wrong with most
// files is known by then.
const patience = 50 * time.Millisecond

// New loads the configuration, opens the storage, and listens. While much has to be
// loaded it answers that it starts. Run must follow.
func New(opts Options) (*App, error) {
	a := assemble(opts)
	if err := a.load(); err != nil {
		return nil, errors.Join(err, a.serving.close())
	}
	return a, nil
}

// load has everything ready to begin.
func (a *App) load() error {
	cfg, file, err := a.firstConfig()
	if err != nil {
		return err
	}
	a.file.Store(file)
	a.tried.Store(file)
	if err := a.serving.open(cfg); err != nil { // a taken port is found before anything else is touched
		return err
	}
	if err := a.parts.open(cfg); err != nil {
		return err
	}
	a.adopt(cfg)
	a.serving.surface = a.handler()
	a.polling.reconcile()
	return nil
}

// firstConfig loads that of the start, and listens meanwhile if that takes long.
func (a *App) firstConfig() (cfg *config.Config, file *config.File, err error) {
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		cfg, file, err = firstConfig(&a.opts)
	}()
	patient := time.NewTimer(patience)
	defer patient.Stop()
	var listening error
	select {
	case <-loaded:
	case <-patient.C:
		listening = a.serving.open(nil)
		<-loaded
	}
	return cfg, file, cmp.Or(err, listening)
}

// assemble makes the parts, and connects those that need each other. What another
// part owns is asked for only once all are open.
func assemble(opts Options) *App {
	a := &App{opts: opts, log: opts.Log, started: time.Now()}
	a.serving = newServing(&a.opts, a.starting())
	a.telling = newTelling(&a.opts, a.serving.begun, a.serving.ready)
	a.chronicle = newChronicle()
	a.storage = newStorage(&a.opts, a.chronicle)
	a.polling = newPolling(&a.opts, a.started, a.storage)
	a.checking = newChecking(&a.opts, a.started, a.storage, a.ownChecks)
	a.maintaining = newMaintaining(a.telling, a.storage, a.checking.names, a.chronicle.pressed)
	a.telling.windowsChanged = a.maintaining.changed
	a.telling.journal, a.telling.reconcile = func() *journal.Journal { return a.chronicle.Journal }, a.polling.reconcile
	a.telling.watching = &watching{
		targets: a.polling.scheduler, checks: a.checking.scheduler, deadlines: a.maintaining.deadlines, happened: a.chronicle.happened,
	}
	a.saver = &saver{chronicle: a.chronicle, states: a.storage, log: opts.Log}
	a.chronicle.covered, a.chronicle.events, a.chronicle.email = a.maintaining.covered, a.maintaining.events, a.polling.email
	a.chronicle.schedules = []recorded{
		{kind: journal.Target, scheduler: a.polling.scheduler, exists: a.polling.exists, settled: a.polling.settled},
		{kind: journal.Check, prefix: checkPrefix, scheduler: a.checking.scheduler, exists: a.checking.exists, settled: func() bool { return true }, add: a.checking.keepBeats},
	}
	a.checking.changed = a.checksChanged
	a.past = newPast(&a.opts, a.started, a.chronicle, a.polling.scheduler, a.checking.scheduler, a.maintaining.covered)
	a.finding = newFinding(&a.opts, a.storage, a.serving.place)
	a.storage.others = []func() string{a.past.damage, a.telling.damage}
	a.storage.unwritten = []func() string{a.past.unwritten, a.telling.unwritten, a.finding.unwritten}
	a.telling.targets, a.telling.checks, a.telling.saved = a.polling.scheduler, a.checking.scheduler, a.storage
	a.serving.modules = a.polling.modules
	a.parts = parts{a.storage, a.telling, a.maintaining, a.past, a.saver, a.polling, a.checking, a.serving, a.finding}
	return a
}

// checksChanged notes in the journal that there are other checks.
func (a *App) checksChanged(old, next *checkSet) {
	a.chronicle.checksChanged(old, next, func(name string) health.Verdict { return a.maintaining.verdict(checkPrefix + name) })
}

// firstConfig is that of the start. There is nothing yet that an empty file could take
// out: it is a configuration of defaults.
func firstConfig(opts *Options) (*config.Config, *config.File, error) {
	if opts.Config == nil {
		return loadConfig(opts.ConfigFile, opts.UserAgent)
	}
	opts.Config.UserAgent = opts.UserAgent
	cfg, err := opts.Config.Load()
	return cfg, opts.Config, err
}

// loadConfig reads a configuration file. The file is returned with an error, too: it may be
// corrected.
func loadConfig(name, userAgent string) (*config.Config, *config.File, error) {
	if name == "" {
		cfg, err := (&config.File{UserAgent: userAgent}).Load()
		return cfg, nil, err
	}
	file, err := config.Read(name)
	if err != nil {
		return nil, file, err
	}
	file.UserAgent = userAgent
	cfg, err := file.Load()
	return cfg, file, err
}

// adopt puts a configuration in force, all but the schedule and the options of the outbox.
func (a *App) adopt(cfg *config.Config) {
	a.warn(cfg)
	a.config.Store(cfg)
	a.parts.adopt(cfg)
	a.reloads.succeeded(time.Now())
}

// warn logs what is most likely a mistake in the configuration.
func (a *App) warn(cfg *config.Config) {
	if file := a.file.Load(); file != nil && file.Blank() {
		a.log.Warn("there is nothing in the configuration file, the defaults are in force", "file", cfg.File)
	}
	for _, warning := range cfg.Warnings(a.storage.known()) {
		a.log.Warn("the configuration looks wrong", "file", cfg.File, "line", warning.Line,
			"at", warning.Path, "problem", warning.Detail)
	}
}

// Run serves and probes until ctx is done, then shuts down in order: not ready, states
// saved, requests finished and probes ended, states saved again, storage closed.
func (a *App) Run(ctx context.Context) error {
	var work sync.WaitGroup
	working, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	a.parts.begin(working, &work)
	work.Go(func() { a.watchConfig(working) })
	work.Go(func() { tendMemory(working) })
	err := a.untilTold(ctx)
	return a.shutDown(context.WithoutCancel(ctx), err, stop, &work)
}

// ownChecks are the checks of the exporter itself.
func (a *App) ownChecks() []health.Check {
	return []health.Check{a.telling.check(), a.serving.check(), a.storage.check()}
}
