package cli

import (
	"os"

	"github.com/alecthomas/kingpin/v2"

	"github.com/health-exporter/health_exporter/envinfo"
)

// Origin is where the value of an option comes from; one that is greater has precedence.
type Origin int

// The places that options come from.
const (
	Default Origin = iota
	FromFile
	FromEnvironment
	FromCommandLine
)

// String is the word for people.
func (o Origin) String() string { return [...]string{"default", "file", "env", "flag"}[o] }

// Origins are where the options come from that have not their default, by their names. args
// is the command line, and fromFile what the configuration file sets.
func Origins(k *kingpin.Application, args []string, fromFile map[string]string) map[string]Origin {
	origins := map[string]Origin{}
	for _, flag := range k.Model().Flags {
		if _, ok := fromFile[flag.Name]; ok {
			origins[flag.Name] = FromFile
		}
		if flag.Envar != "" && os.Getenv(flag.Envar) != "" {
			origins[flag.Name] = FromEnvironment
		}
	}
	context, err := k.ParseContext(args)
	if err != nil {
		return origins // Parse says what is wrong
	}
	for _, e := range context.Elements {
		if flag, ok := e.Clause.(*kingpin.FlagClause); ok {
			origins[flag.Model().Name] = FromCommandLine
		}
	}
	return origins
}

// Settings are the options in force, each with where it comes from.
func Settings(k *kingpin.Application, origins map[string]Origin) []envinfo.Setting {
	var list []envinfo.Setting
	for _, flag := range k.Model().Flags {
		if flag.Hidden || flag.Name == "help" || flag.Name == "version" {
			continue
		}
		list = append(list, envinfo.Setting{Key: flag.Name, Value: flag.Value.String(), Origin: origins[flag.Name].String()})
	}
	return list
}
