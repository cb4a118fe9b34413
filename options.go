package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/internal/cli"
	"github.com/health-exporter/health_exporter/internal/names"
)

// reloadedOptions looks at the options of a configuration file that is read again, as the
// start does, with the same command line and environment. Options cannot change while the
// program runs: restart names those that would be others after one.
func reloadedOptions(args []string, inForce []envinfo.Setting) func(options map[string]string) (faults map[string]string, restart []string) {
	return func(options map[string]string) (faults map[string]string, restart []string) {
		k, f := commandLine()
		if faults = applyFileOptions(k, options); len(faults) > 0 {
			return faults, nil
		}
		if _, err := k.Parse(args); err != nil {
			return map[string]string{"": err.Error()}, nil
		}
		origins := cli.Origins(k, args, options)
		if err := f.apply(origins); err != nil {
			return map[string]string{"": err.Error()}, nil
		}
		for i, now := range cli.Settings(k, origins) {
			if i < len(inForce) && now.Value != inForce[i].Value {
				restart = append(restart, now.Key)
			}
		}
		return nil, restart
	}
}

// valueFaults are all flags and environment variables with values that are not allowed.
func valueFaults(args []string) error {
	if wantsHelp(args) || slices.Contains(args, completing) {
		return nil
	}
	k, _ := commandLine()
	return cli.ValueFaults(k, args)
}

// parseFault is what kingpin found wrong, with the flag or command that is probably meant.
func parseFault(err error, args []string) error {
	k, _ := commandLine()
	if word, ok := strings.CutPrefix(err.Error(), "unexpected "); ok {
		return unexpectedFault(k, err, word, args)
	}
	flag, unknown := strings.CutPrefix(err.Error(), "unknown long flag '--")
	if !unknown {
		return err
	}
	var known []string
	for _, name := range cli.FlagNames(k, args) {
		known = append(known, "--"+name)
	}
	return fmt.Errorf("%w%s", err, names.DidYouMean("--"+strings.TrimSuffix(flag, "'"), known))
}

// unexpectedFault is of a word that is neither a command nor the value of a flag: that of a
// flag that takes none, or a mistyped command.
func unexpectedFault(k *kingpin.Application, err error, word string, args []string) error {
	for flag, takes := range valued(k, selected(args)) {
		if !takes && slices.Contains(args, flag+"="+word) {
			return fmt.Errorf("%s takes no value, not %q; write %s, or --no-%s", flag, word, flag, strings.TrimLeft(flag, "-"))
		}
	}
	var commands []string
	for _, c := range k.Model().Commands {
		commands = append(commands, c.Name)
	}
	return fmt.Errorf("%w%s", err, names.DidYouMean(word, commands))
}
