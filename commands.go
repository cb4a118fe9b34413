package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/alecthomas/kingpin/v2"

	"github.com/health-exporter/health_exporter/client"
	"github.com/health-exporter/health_exporter/internal/cli"
	"github.com/health-exporter/health_exporter/internal/config"
)

// operator are the commands for people who look after a running exporter.
type operator struct {
	exporter cli.Exporter
	urlGiven bool // of registry, for which none means the storage
	json     bool
	filter   cli.Filter
	apps     []string
	add      cli.Add
	history  cli.History
	load     cli.Load
	shell    string
}

// declare adds the commands and their flags.
func (o *operator) declare(k *kingpin.Application) {
	status := k.Command("status", "Report whether all targets are well, those that are not healthy first. The exit code is that of a Nagios plugin: "+
		"0 all healthy, 1 degraded or unknown, 2 unhealthy, 3 the exporter cannot be asked.")
	o.connection(status)
	o.filters(status)

	targets := k.Command("targets", "Manage the targets of a running exporter.")
	list := targets.Command("list", "List the targets, those that are not healthy first.")
	o.connection(list)
	o.filters(list)
	add := targets.Command("add", "Register a target, or change a registered one.")
	o.connection(add)
	o.add.Flags(add)
	for _, c := range []struct{ name, help string }{
		{"remove", "Unregister targets."},
		{"pause", "Pause targets: they are not probed until resumed."},
		{"resume", "Resume paused targets."},
		{"probe", "Probe targets at once; the exit code is 1 if one of the probes failed."},
	} {
		cmd := targets.Command(c.name, c.help)
		o.connection(cmd)
		cmd.Arg("name", "Names of targets.").Required().HintAction(o.names()).StringsVar(&o.apps)
	}
	history := targets.Command("history", "Show the last probes of a target, and its changes of state.")
	o.connection(history)
	history.Arg("name", "Name of the target.").Required().HintAction(o.names()).StringVar(&o.history.App)
	history.Flag("limit", "How many probes to show.").NoEnvar().Default("20").
		SetValue(cli.Number{Into: &o.history.Limit, Least: 1, Most: 100})

	o.declareRegistry(k.Command("registry", "Dump all registrations, or load them."))
	completion := k.Command("completion", "Print the script by which a shell completes commands and names of targets.")
	completion.Arg("shell", strings.Join(cli.Shells(), ", ")+".").Required().HintOptions(cli.Shells()...).EnumVar(&o.shell, cli.Shells()...)
}

func (o *operator) declareRegistry(registry *kingpin.CmdClause) {
	dump := registry.Command("dump", "Print all registrations as JSON: of a running exporter with --url, or else those in --storage.path.")
	load := registry.Command("load", "Register everything in a dump, or nothing if any of it is invalid: with a running exporter with --url, or else in --storage.path.")
	for _, cmd := range []*kingpin.CmdClause{dump, load} {
		cmd.Flag("url", "URL of a running exporter; "+client.URLVariable+" if neither it nor --storage.path is given.").NoEnvar().
			IsSetByUser(&o.urlGiven).StringVar(&o.exporter.URL)
		o.credentials(cmd)
	}
	load.Arg("file", "The dump; - or none is standard input.").StringVar(&o.load.File) // kingpin makes "" of -
	load.Flag("dry-run", "Only check whether it could be loaded.").NoEnvar().BoolVar(&o.load.DryRun)
}

// connection adds the flags that say where the exporter is.
func (o *operator) connection(cmd *kingpin.CmdClause) {
	cmd.Flag("url", "URL of the exporter, with a user if it needs one.").Default(cli.DefaultURL).StringVar(&o.exporter.URL)
	o.credentials(cmd)
}

func (o *operator) credentials(cmd *kingpin.CmdClause) {
	cmd.Flag("token", "Token that the exporter knows us by. Other users of this machine can see it: prefer HEALTH_EXPORTER_TOKEN or --token-file.").
		StringVar(&o.exporter.Token)
	cmd.Flag("token-file", "File with the token.").NoEnvar().StringVar(&o.exporter.TokenFile)
	cmd.Flag("ca-file", "Certificates to trust in place of the system's, in PEM.").NoEnvar().StringVar(&o.exporter.CAFile)
	cmd.Flag("insecure", "Do not check the exporter's certificate.").NoEnvar().BoolVar(&o.exporter.Insecure)
	cmd.Flag("request-timeout", "Longest time to wait for an answer.").NoEnvar().Default("10s").
		SetValue(cli.Duration{Into: &o.exporter.Timeout})
	cmd.Flag("json", "Print JSON.").NoEnvar().BoolVar(&o.json)
}

func (o *operator) filters(cmd *kingpin.CmdClause) {
	cmd.Flag("group", "Only targets of the group; may be given again.").NoEnvar().StringsVar(&o.filter.Groups)
	cmd.Flag("state", "Only targets in the state: "+strings.Join(cli.StateNames(), ", ")+"; may be given again.").NoEnvar().
		HintOptions(cli.StateNames()...).EnumsVar(&o.filter.States, cli.StateNames()...)
	cmd.Flag("app", "Only the target of the name; may be given again.").NoEnvar().HintAction(o.names()).StringsVar(&o.filter.Apps)
}

// names completes names of targets, if an exporter tells them quickly. It is asked
// once, whatever kingpin does.
func (o *operator) names() kingpin.HintAction {
	return sync.OnceValue(func() []string { return o.exporter.Names(context.Background()) })
}

// run runs a command, if it is one of these.
func (o *operator) run(command string, f *flags) (exitCode int, ours bool) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	terminal := terminal(o.json)
	if strings.HasPrefix(command, "registry ") && !o.urlGiven && !f.storageGiven {
		o.exporter.URL = os.Getenv(client.URLVariable)
	}
	act := cli.Act{Exporter: o.exporter, Terminal: terminal, Apps: o.apps}
	switch command {
	case "status":
		return (&cli.Status{Exporter: o.exporter, Terminal: terminal, Filter: o.filter}).Run(ctx), true
	case "targets list":
		return (&cli.List{Exporter: o.exporter, Terminal: terminal, Filter: o.filter}).Run(ctx), true
	case "targets add":
		o.add.Exporter, o.add.Terminal = o.exporter, terminal
		return o.add.Run(ctx), true
	case "targets remove":
		return act.Remove(ctx), true
	case "targets pause":
		return act.Pause(ctx), true
	case "targets resume":
		return act.Resume(ctx), true
	case "targets probe":
		return (&cli.ProbeNow{Exporter: o.exporter, Terminal: terminal, Apps: o.apps}).Run(ctx), true
	case "targets history":
		o.history.Exporter, o.history.Terminal = o.exporter, terminal
		return o.history.Run(ctx), true
	case "registry dump":
		return (&cli.Dump{Exporter: o.exporter, Terminal: terminal, StoragePath: f.storagePath}).Run(ctx), true
	case "registry load":
		return o.runLoad(ctx, f, terminal), true
	case "completion":
		return cli.Completion(os.Stdout, o.shell), true
	}
	return 0, false
}

// terminal is the one that the program was started from.
func terminal(json bool) cli.Terminal {
	return cli.Terminal{Out: os.Stdout, Err: os.Stderr, JSON: json, Color: isTerminal(os.Stdout), Width: cli.WidthOf(os.Stdout)}
}

// runLoad knows the modules of the configuration, which a stopped exporter cannot
// tell.
func (o *operator) runLoad(ctx context.Context, f *flags, terminal cli.Terminal) int {
	cfg := config.Default()
	if o.exporter.URL == "" {
		var err error
		if cfg, err = f.loadConfig(); err != nil {
			return fail(exitFailure, err)
		}
	}
	o.load.Exporter, o.load.Terminal, o.load.StoragePath, o.load.In, o.load.KindOf = o.exporter, terminal, f.storagePath, os.Stdin, cfg.KindOf
	return o.load.Run(ctx)
}

// selected is the command that the arguments name, even if they are wrong otherwise.
func selected(args []string) string {
	k, _ := commandLine()
	context, _ := k.ParseContext(args)
	if context == nil || context.SelectedCommand == nil {
		return ""
	}
	return context.SelectedCommand.FullCommand()
}

// completing is how the scripts of shells ask what could come next.
const completing = "--completion-bash"

// wholeCommands lets kingpin list all commands when the first word is being typed.
// Otherwise it would take the beginning of one for an argument of the default one.
func wholeCommands(args []string) []string {
	if len(args) == 2 && args[0] == completing && !strings.HasPrefix(args[1], "-") {
		return args[:1]
	}
	return args
}

// remote reports whether a command has nothing to do with the configuration of this
// machine, which may be broken, or that of something else.
func remote(command string, args []string) bool {
	return slices.Contains(args, completing) || command == "status" || command == "completion" || command == "targets" || strings.HasPrefix(command, "targets ")
}

// usageFault says what is wrong with the arguments. To Nagios, wrong usage is
// another thing than a target that is down.
func usageFault(command string, err error) int {
	text := err.Error()
	if n := strings.Count(text, "\n"); n > 0 {
		text = fmt.Sprintf("%d values are not allowed:\n  %s\n", n+1, strings.ReplaceAll(text, "\n", "\n  "))
	} else {
		text += "; "
	}
	err = fmt.Errorf("%s%s --help lists what there is", text, strings.TrimSpace(name+" "+command))
	if command == "status" {
		return (&cli.Status{Terminal: cli.Terminal{Out: os.Stdout}}).UsageFault(err)
	}
	return fail(exitUsageError, err)
}
