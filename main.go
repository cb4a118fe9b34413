// Command health_exporter polls targets, keeps their states, and tells
// Prometheus: a prober, a monitor and an exporter in one.
package main

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // images without time zones have maintenance by the wall clock too

	"github.com/prometheus/common/promslog"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/internal/app"
	"github.com/health-exporter/health_exporter/internal/cli"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/internal/orphans"
)

const (
	name           = "health_exporter"
	defaultConfig  = "health_exporter.yml"
	exitFailure    = 1
	exitUsageError = 2

	// portVariable is set by Kubernetes to something like tcp://10.0.0.1:10115 if a
	// service is called health-exporter. That is not a port of ours.
	portVariable = "HEALTH_EXPORTER_PORT"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is main with an exit code: 2 for wrong usage, 1 for everything else that
// stops the program.
func run(args []string) int {
	if strings.Contains(os.Getenv(portVariable), "://") {
		os.Unsetenv(portVariable)
	}
	k, f := commandLine()
	args = wholeCommands(seedAliases(args))
	asked := selected(args)
	if err := valueFault(k, asked, args); err != nil {
		return usageFault(asked, err)
	}
	var fromFile map[string]string
	var err error
	if !remote(asked, args) {
		f.config, fromFile, err = fileOptions(args)
	}
	if faults := applyFileOptions(k, fromFile); f.config != nil && (err != nil || len(faults) > 0) {
		err = f.config.Refuse(faults)
	}
	if err != nil && !wantsHelp(args) {
		return fail(exitFailure, err)
	}
	if err := valueFaults(args); err != nil {
		return usageFault(asked, err)
	}
	command, err := k.Parse(args)
	if err != nil {
		return usageFault(asked, parseFault(err, args))
	}
	origins := cli.Origins(k, args, fromFile)
	if err := f.apply(origins); err != nil {
		return usageFault(asked, err)
	}
	if f.gmailToken != "" {
		os.Setenv(config.GmailTokenVariable, f.gmailToken)
	}
	f.settings = cli.Settings(k, origins)
	f.reloaded = reloadedOptions(args, f.settings)
	if code, ours := f.operator.run(command, f); ours {
		return code
	}
	switch command {
	case "rules":
		return writeRules(f.rulesDir)
	case "probe":
		return probeOnce(f)
	case "notify":
		return tryNotify(f)
	case "discover":
		return discover(f)
	}
	if f.configCheck {
		return checkConfig(f)
	}
	return serve(f)
}

func fail(code int, err error) int {
	fmt.Fprintf(os.Stderr, "%s: error: %s\n", name, err)
	return code
}

func writeRules(dir string) int {
	written, err := durable.WriteTree(dir, alerting.Files())
	if err != nil {
		return fail(exitFailure, fmt.Errorf("writing rules, templates and dashboards: %w", err))
	}
	for _, path := range written {
		fmt.Println(path)
	}
	return 0
}

func probeOnce(f *flags) int {
	cfg, err := f.loadConfig()
	if err != nil {
		return fail(exitFailure, err)
	}
	module, ok := cfg.Modules[f.probe.ModuleName]
	if !ok {
		return fail(exitUsageError, fmt.Errorf("unknown module %q, must be one of %s",
			f.probe.ModuleName, strings.Join(slices.Sorted(maps.Keys(cfg.Modules)), ", ")))
	}
	f.probe.Module, f.probe.Verbose, f.probe.Color = module, f.verbose, isTerminal(os.Stdout)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return f.probe.Run(ctx, os.Stdout)
}

// isTerminal reports whether a person looks at the file, who has not asked for
// plain text (https://no-color.org).
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
}

func discover(f *flags) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f.discover.Terminal = terminal(f.discover.JSON)
	return f.discover.Run(ctx)
}

func tryNotify(f *flags) int {
	if !f.test {
		return fail(exitUsageError, errors.New("notify does nothing without --test, which sends a test notification to everybody in the configuration"))
	}
	if f.configFile == "" {
		return fail(exitFailure, errors.New("there is no configuration file, and so nobody to notify; give one with --config.file"))
	}
	cfg, err := f.loadConfig()
	if err != nil {
		return fail(exitFailure, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !app.TryNotify(ctx, cfg, os.Stdout) {
		return exitFailure
	}
	return 0
}

func checkConfig(f *flags) int {
	if f.configFile == "" {
		fmt.Println("There is no configuration file; the defaults are valid.")
		return 0
	}
	cfg, err := f.loadConfig()
	if err == nil {
		err = app.CheckWebConfig(*f.web.WebConfigFile)
	}
	if err != nil {
		return fail(exitFailure, err)
	}
	for _, warning := range cfg.Warnings(config.Known{Families: app.MetricFamilies()}) {
		fmt.Fprintf(os.Stderr, "%s: warning: %s\n", name, warning)
	}
	for _, note := range cfg.Notes() {
		fmt.Fprintf(os.Stderr, "%s: warning: %s\n", name, note)
	}
	fmt.Printf("The configuration file %s is valid: %d targets, %d checks, %d modules.\n", cfg.File, len(cfg.Targets), len(cfg.Checks), len(cfg.Modules))
	return 0
}

func serve(f *flags) int {
	log := slog.New(redact.Log(promslog.New(&promslog.Config{Level: f.logLevel, Format: f.logFormat}).Handler()))
	stdlog.SetFlags(0) // what libraries say by themselves goes the same way
	stdlog.SetOutput(slog.NewLogLogger(log.Handler(), slog.LevelWarn).Writer())
	if err := app.CheckWebConfig(*f.web.WebConfigFile); err != nil {
		return fail(exitFailure, err)
	}
	hurry := make(chan struct{})
	a, err := app.New(app.Options{
		ConfigFile: f.configFile, Config: f.config, UserAgent: string(f.userAgent), StoragePath: f.storagePath, OnCorruption: f.onCorruption, Web: f.web,
		ExternalURL: f.externalURL.String(), RoutePrefix: f.prefix(), TimeoutOffset: f.timeoutOffset, DrainDelay: f.drainDelay, MaxInFlight: f.maxInFlight, MaxAdHocProbes: f.maxAdHoc,
		HistoryLimit: f.historyLimit, NativeHistograms: f.histograms, Zeroconf: f.zeroconf && !f.test, ProbeLog: f.probeLog(), AutoReload: f.autoReloadInterval(),
		Hurry: hurry, Profiling: f.debug, FileOptions: f.reloaded, Settings: func() []envinfo.Setting { return f.settings }, Version: cli.Version(), Revision: cli.Revision(), Log: log,
	})
	if err != nil {
		return fail(exitFailure, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer closeAtNextSignal(ctx, hurry)()
	reloadOnHangup(ctx, a)
	go orphans.Reap(ctx, log)
	log.Info("starting", "program", name, "version", cli.Version(), "revision", cli.Revision(),
		"page", pages(*f.web.WebListenAddresses, f.prefix()), "storage", f.storagePath, "config", f.configFile)
	if err := a.Run(ctx); err != nil {
		return fail(exitFailure, err)
	}
	return 0
}

// closeAtNextSignal closes hurry at the second signal to end: the first ends ctx.
func closeAtNextSignal(ctx context.Context, hurry chan<- struct{}) (done func()) {
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(signals)
		select {
		case <-signals:
			close(hurry)
		case <-over:
		}
	})
	return func() {
		stop()
		close(over)
	}
}

func reloadOnHangup(ctx context.Context, a *app.App) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hangup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				_ = a.Reload(ctx) // it logs its own errors
			}
		}
	}()
}

// pages are the addresses under which a browser finds us.
func pages(addresses []string, prefix string) string {
	urls := make([]string, len(addresses))
	for i, address := range addresses {
		if strings.HasPrefix(address, ":") {
			address = "localhost" + address
		}
		urls[i] = "http://" + address + prefix
	}
	return strings.Join(urls, " ")
}
