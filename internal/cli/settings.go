package cli

import (
	"os"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/health-exporter/health_exporter/envinfo"
)

// Settings are the options in force, each with where it comes from: flag, env, file
// or default. args is the command line, and fromFile what the configuration file
// sets.
func Settings(k *kingpin.Application, args []string, fromFile map[string]string) []envinfo.Setting {
	given := map[string]bool{}
	for _, arg := range args {
		if name, ok := strings.CutPrefix(arg, "--"); ok {
			name, _, _ = strings.Cut(name, "=")
			given[strings.TrimPrefix(name, "no-")], given[name] = true, true
		}
	}
	var list []envinfo.Setting
	for _, flag := range k.Model().Flags {
		if flag.Hidden || flag.Name == "help" || flag.Name == "version" {
			continue
		}
		origin := "default"
		if _, ok := fromFile[flag.Name]; ok {
			origin = "file"
		}
		if _, ok := os.LookupEnv(flag.Envar); ok && flag.Envar != "" {
			origin = "env"
		}
		if given[flag.Name] {
			origin = "flag"
		}
		list = append(list, envinfo.Setting{Key: flag.Name, Value: flag.Value.String(), Origin: origin})
	}
	return list
}
