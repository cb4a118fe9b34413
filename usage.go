package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// valueFault says which flag lacks its value. kingpin takes the last flag before the
// default command for one that was not given.
func valueFault(k *kingpin.Application, asked string, args []string) error {
	if slices.Contains(args, completing) {
		return nil
	}
	takes := valued(k, asked)
	for i, arg := range args {
		if arg == "--" {
			return nil
		}
		if arg == "--config.file=" {
			return fmt.Errorf("the value of flag '--config.file' is empty; leave the flag out for %s", defaultConfig)
		}
		flag := waiting(arg, takes)
		if flag != "" && (i+1 == len(args) || len(args[i+1]) > 1 && args[i+1][0] == '-') {
			return fmt.Errorf("expected argument for flag '%s'", flag)
		}
	}
	return nil
}

// valued are the flags of the program, and of one of its commands, by how they are
// written; true for those that take a value.
func valued(k *kingpin.Application, command string) map[string]bool {
	takes := map[string]bool{}
	add := func(group *kingpin.FlagGroupModel) {
		for _, flag := range group.Flags {
			takes["--"+flag.Name] = !flag.IsBoolFlag()
			if flag.Short != 0 {
				takes["-"+string(flag.Short)] = !flag.IsBoolFlag()
			}
		}
	}
	add(k.Model().FlagGroupModel)
	group := k.Model().CmdGroupModel
	for word := range strings.FieldsSeq(command) {
		i := slices.IndexFunc(group.Commands, func(c *kingpin.CmdModel) bool { return c.Name == word })
		if i < 0 {
			break
		}
		add(group.Commands[i].FlagGroupModel)
		group = group.Commands[i].CmdGroupModel
	}
	return takes
}

// waiting is the flag of an argument whose value must be in the next one; empty if there
// is none.
func waiting(arg string, takes map[string]bool) string {
	if strings.HasPrefix(arg, "--") {
		if takes[arg] {
			return arg
		}
		return ""
	}
	if !strings.HasPrefix(arg, "-") {
		return ""
	}
	for i, letter := range arg[1:] { // -vp is -v -p
		if flag := "-" + string(letter); takes[flag] {
			if rest := arg[1+i+len(string(letter)):]; rest == "" {
				return flag
			}
			return ""
		}
	}
	return ""
}
