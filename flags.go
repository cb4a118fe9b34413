package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/internal/cli"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/names"
)

// flags are the values of the command line, however they were given.
type flags struct {
	configFile    string
	config        *config.File // configFile as it was read; nil if there is none
	configCheck   bool
	storagePath   string
	storageGiven  bool // on the command line
	onCorruption  string
	timeoutOffset time.Duration
	drainDelay    time.Duration
	externalURL   cli.URL
	routePrefix   string
	maxInFlight   int
	userAgent     cli.UserAgent
	maxAdHoc      int
	bindAddress   string
	port          int
	verbose       bool
	debug         bool
	test          bool
	rulesDir      string
	historyLimit  int
	autoReload    bool
	reloadSeconds int
	probe         cli.Probe
	histograms    bool
	zeroconf      bool
	discover      cli.Discover
	settings      []envinfo.Setting
	reloaded      func(options map[string]string) (faults map[string]string, restart []string)
	gmailToken    string
	operator      operator
	web           *web.FlagConfig
	logLevel      *promslog.Level
	probeLevel    *cli.LogLevel
	logFormat     *promslog.Format
}

func commandLine() (*kingpin.Application, *flags) {
	f := &flags{logLevel: promslog.NewLevel(), logFormat: promslog.NewFormat(), probeLevel: cli.NewLogLevel(), port: -1}
	k := kingpin.New(name, "Polls targets and in-process checks, keeps their states, and tells Prometheus.")
	k.DefaultEnvars()
	k.UsageWriter(os.Stdout)
	k.HelpFlag.Short('h')
	k.Version(cli.VersionText(name))

	k.Flag("config.file", "Configuration file (alias --config). The default one may be missing.").
		Default(defaultConfig).StringVar(&f.configFile)
	k.Flag("config.check", "Check the configuration and exit.").BoolVar(&f.configCheck)
	k.Flag("storage.path", "Directory for what is kept across restarts: registrations, states, history, mails to send, what was discovered; empty keeps it all in memory.").Default("data/").IsSetByUser(&f.storageGiven).StringVar(&f.storagePath)
	k.Flag("storage.on-corruption", "What to do with a damaged registry: restore the newest good backup, or fail.").
		Default("restore").EnumVar(&f.onCorruption, "restore", "fail")
	k.Flag("timeout-offset", "Seconds taken off the scrape timeout of /probe.").
		Default("0.5").SetValue(cli.Seconds{Into: &f.timeoutOffset})
	k.Flag("config.enable-auto-reload", "Reload the configuration file when it changes.").BoolVar(&f.autoReload)
	k.Flag("config.auto-reload-interval", "Seconds between checks of the configuration file.").
		Default("30").SetValue(cli.Number{Into: &f.reloadSeconds, Least: 1, Most: 86400})
	k.Flag("history.limit", "How many ad-hoc probes /logs remembers.").
		Default("100").SetValue(cli.Number{Into: &f.historyLimit, Least: 0, Most: 1_000_000})
	k.Flag("log.prober", "Of ad-hoc probes, only log messages of this level or above: debug, info, warn, error, none.").
		Default("info").SetValue(f.probeLevel)
	k.Flag("probe.max-in-flight", "Most probes under way at once; 0 derives it from the open files allowed.").
		Default("0").SetValue(cli.Number{Into: &f.maxInFlight, Least: 0, Most: 1_000_000})
	k.Flag("probe.user-agent", "User-Agent of probes, where the module has no header of its own; health_exporter and its version if empty.").
		SetValue(&f.userAgent)
	k.Flag("probe.native-histograms", "Keep native histograms of the durations of probes per module, and offer /metrics in protobuf.").
		BoolVar(&f.histograms)
	k.Flag("zeroconf", "Announce the exporter on the local network (mDNS), unless it listens on loopback only.").
		Default("true").BoolVar(&f.zeroconf)
	k.Flag("web.drain-delay", "Time between turning not ready and closing the listeners; a second signal ends it.").
		Default("0s").SetValue(cli.Duration{Into: &f.drainDelay})
	k.Flag("web.max-adhoc-probes", "Most ad-hoc probes (/probe) under way at once; those beyond are answered with 503.").
		Default("500").SetValue(cli.Number{Into: &f.maxAdHoc, Least: 1, Most: 1_000_000})
	k.Flag("web.external-url", "URL under which people find the exporter, for links in mails and feeds; alerting.external_url of the configuration wins.").
		SetValue(&f.externalURL)
	k.Flag("web.route-prefix", "Path below which everything is served; that of --web.external-url if not given.").StringVar(&f.routePrefix)
	f.web = kingpinflag.AddFlags(k, ":10115")
	k.Flag("bind_addr", "Address to listen on (alias -ba), in place of --web.listen-address.").StringVar(&f.bindAddress)
	k.Flag("port", "Port to listen on, in place of --web.listen-address; 0 takes any free one.").
		Short('p').SetValue(cli.Number{Into: &f.port, Least: 0, Most: 65535})
	k.Flag("verbose", "Log each probe.").Short('v').BoolVar(&f.verbose)
	k.Flag("debug", "Log at debug level and serve /debug/pprof/.").Short('d').BoolVar(&f.debug)
	k.Flag("test", "Try it out: listen on loopback only.").Short('t').BoolVar(&f.test)
	k.Flag("gmail_token", "Password or token for smtp.gmail.com (alias -gt), if alerting.email gives none.").StringVar(&f.gmailToken)
	k.Flag("log.level", "Only log messages of this level or above: "+strings.Join(promslog.LevelFlagOptions, ", ")+".").
		Default("info").SetValue(cli.OneOf{Value: f.logLevel, Words: promslog.LevelFlagOptions})
	k.Flag("log.format", "Format of the log: "+strings.Join(promslog.FormatFlagOptions, ", ")+".").
		Default("logfmt").SetValue(cli.OneOf{Value: f.logFormat, Words: promslog.FormatFlagOptions})

	k.Command("serve", "Run the exporter.").Default()
	probe := k.Command("probe", "Probe once and report what happened; the exit code is 1 if the probe failed.")
	probe.Arg("target", "What to probe: a URL or an address.").Required().StringVar(&f.probe.Target)
	probe.Flag("module", "How to probe.").Default("http_2xx").Short('m').StringVar(&f.probe.ModuleName)
	probe.Flag("hostname", "Name to ask for in place of the target's own.").StringVar(&f.probe.Hostname)
	probe.Flag("timeout", "Deadline; the module's own, or 10s, if not given.").
		Default("0s").SetValue(cli.Duration{Into: &f.probe.Timeout})
	probe.Flag("json", "Print JSON.").BoolVar(&f.probe.JSON)
	k.Command("notify", "With --test: send a test notification through each channel of the configuration; the exit code is 1 if one does not get through.")
	f.operator.declare(k)
	f.discover.Flags(k.Command("discover", "List exporters and services found on the local network (mDNS); the exit code is 1 if there are none."))
	rules := k.Command("rules", "Write the Prometheus rules, Alertmanager templates and Grafana dashboards into a directory.")
	rules.Flag("dir", "Directory to write to.").Required().StringVar(&f.rulesDir)
	return k, f
}

// seedAliases rewrites the short forms that kingpin has no notion of.
func seedAliases(args []string) []string {
	aliases := map[string]string{"-ba": "--bind_addr", "-gt": "--gmail_token", "--config": "--config.file"}
	rewritten := make([]string, len(args))
	for i, arg := range args {
		flag, value, hasValue := strings.Cut(arg, "=")
		if long, ok := aliases[flag]; ok {
			arg = long
			if hasValue {
				arg += "=" + value
			}
		}
		rewritten[i] = arg
	}
	return rewritten
}

// fileOptions reads the configuration file, nil if there is none, and the options that it
// sets. Its name must be known before the command line is parsed, since its options
// are the defaults of the flags.
func fileOptions(args []string) (*config.File, map[string]string, error) {
	name, explicit := configFile(args)
	if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) && !explicit {
		return nil, nil, nil
	}
	file, err := config.Read(name)
	if err != nil {
		return nil, nil, err
	}
	options, err := file.Options()
	return file, options, err
}

func configFile(args []string) (file string, explicit bool) {
	for i, arg := range args {
		switch flag, value, hasValue := strings.Cut(arg, "="); {
		case flag != "--config.file":
		case hasValue:
			return value, true
		case i+1 < len(args):
			return args[i+1], true
		}
	}
	if file := os.Getenv("HEALTH_EXPORTER_CONFIG_FILE"); file != "" {
		return file, true
	}
	return defaultConfig, false
}

// applyFileOptions makes the file's options the defaults of the flags, below command line
// and environment. The faults are by the options' names.
func applyFileOptions(k *kingpin.Application, options map[string]string) (faults map[string]string) {
	faults = map[string]string{}
	for option, value := range options {
		flag := k.GetFlag(option)
		if flag == nil || option == "config.file" || option == "help" || option == "version" {
			faults[option] = fmt.Sprintf("unknown option%s; %s --help lists what there is", names.DidYouMean(option, optionNames(k)), name)
			continue
		}
		if _, list := flag.Model().Value.(interface{ IsCumulative() bool }); list {
			if err := cli.CheckValue(option, value); err != nil {
				faults[option] = err.Error()
				continue
			}
		} else {
			if err := cli.SetValue(flag.Model(), value); err != nil {
				faults[option] = err.Error()
				continue
			}
		}
		flag.Default(value)
	}
	return faults
}

// optionNames are the flags that the file can set.
func optionNames(k *kingpin.Application) (list []string) {
	for _, flag := range k.Model().Flags {
		list = append(list, flag.Name)
	}
	return list
}

func wantsHelp(args []string) bool {
	for _, arg := range args {
		if arg == "--help" || arg == "-h" || arg == "--version" {
			return true
		}
	}
	return false
}

func (f *flags) probeLog() slog.Handler {
	if f.probeLevel.None {
		return nil
	}
	return redact.Log(promslog.New(&promslog.Config{Level: f.probeLevel.Level, Format: f.logFormat}).Handler())
}

func (f *flags) autoReloadInterval() time.Duration {
	if !f.autoReload {
		return 0
	}
	return time.Duration(f.reloadSeconds) * time.Second
}

// apply resolves the flags that stand for others, and says which contradict each other.
// origins are where each comes from, by its name: none if it has its default.
func (f *flags) apply(origins map[string]cli.Origin) error {
	if addr, err := netip.ParseAddr(f.bindAddress); f.test && f.bindAddress != "" && f.bindAddress != "localhost" && (err != nil || !addr.IsLoopback()) {
		return fmt.Errorf("--test listens on loopback only, and --bind_addr is %q; give one of them", f.bindAddress)
	}
	if err := f.listen(origins); err != nil {
		return err
	}
	if f.debug || f.verbose {
		_ = f.logLevel.Set("debug")
	}
	if f.config == nil && f.configFile == defaultConfig {
		f.configFile = "" // the default one may be missing
	}
	return nil
}

// listen puts the address of --bind_addr, --port and --test in the place of those of
// --web.listen-address, unless the latter come from a place that has precedence. Given in
// the same place, they contradict each other.
func (f *flags) listen(origins map[string]cli.Origin) error {
	short, at := "", cli.Default
	for _, flag := range []string{"test", "port", "bind_addr"} {
		if origin := origins[flag]; origin > at || origin == at && short == "" && origin > cli.Default {
			short, at = flag, origin
		}
	}
	if short == "" || short == "test" && !f.test {
		return nil
	}
	switch full := origins["web.listen-address"]; {
	case full == at || full > at && f.test:
		return fmt.Errorf("--%s and --web.listen-address (%s) both say where to listen; give one of them",
			short, strings.Join(*f.web.WebListenAddresses, ", "))
	case full > at:
		return nil
	}
	host, port := f.bindAddress, "10115"
	if f.test && host == "" {
		host = "127.0.0.1"
	}
	if f.port >= 0 {
		port = strconv.Itoa(f.port)
	}
	*f.web.WebListenAddresses = []string{net.JoinHostPort(host, port)}
	return nil
}

// prefix is the path below which everything is served, with a slash at both ends.
func (f *flags) prefix() string {
	path := strings.Trim(cmp.Or(f.routePrefix, f.externalURL.Path()), "/")
	if path == "" {
		return "/"
	}
	return "/" + path + "/"
}

// loadConfig is the configuration, or the built-in one if there is no file.
func (f *flags) loadConfig() (*config.Config, error) {
	file := f.config
	if file == nil {
		file = &config.File{}
	}
	file.UserAgent = string(f.userAgent)
	return file.Load()
}
