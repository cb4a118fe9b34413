package cli

import (
	"cmp"
	"runtime/debug"

	"github.com/prometheus/common/version"
)

// Version is the version of the program: what its build says with -ldflags
// -X=github.com/prometheus/common/version.Version=…, or what Go recorded; dev if neither did.
func Version() string {
	if version.Version != "" {
		return version.Version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return info.Main.Version
}

// Revision is the commit the program was built from; unknown if nobody recorded it.
func Revision() string {
	if version.Revision != "" {
		return version.Revision
	}
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

// VersionText is what --version prints, as the programs of Prometheus do.
func VersionText(program string) string {
	version.Version = cmp.Or(version.Version, Version())
	return version.Print(program)
}
