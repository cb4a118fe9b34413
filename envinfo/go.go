package envinfo

import (
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// goSection is the section go.
func goSection() map[string]any {
	build := readBuild()
	executable, _ := os.Executable() // unknown is empty
	major, minor, patch := versionNumbers(runtime.Version())
	packages := make(map[string]any, len(build.modules))
	for _, m := range build.modules {
		packages[m.path] = m.version
	}
	return map[string]any{
		"version":      runtime.Version(),
		"version_info": map[string]any{"major": major, "minor": minor, "patch": patch},
		"executable":   redact.Text(executable),
		"module":       build.path,
		"main_version": build.version,
		"packages":     packages,
		"settings":     build.settings,
		"num_cpu":      runtime.NumCPU(),
		"gomaxprocs":   runtime.GOMAXPROCS(0),
		"goroutines":   runtime.NumGoroutine(),
	}
}

// build is what the linker wrote down about the program.
type build struct {
	path, version string
	modules       []module
	settings      map[string]any
}

type module struct{ path, version string }

// readBuild reads it; a program built without modules knows nothing.
func readBuild() build {
	b := build{settings: map[string]any{}}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.path, b.version = info.Main.Path, info.Main.Version
	for _, m := range info.Deps {
		if m.Replace != nil {
			m.Version = m.Replace.Version
		}
		b.modules = append(b.modules, module{m.Path, m.Version})
	}
	// The other settings, such as -ldflags, may say anything.
	shown := []string{"vcs.revision", "vcs.time", "vcs.modified", "GOOS", "GOARCH", "CGO_ENABLED", "-tags"}
	for _, s := range info.Settings {
		if slices.Contains(shown, s.Key) {
			b.settings[s.Key] = s.Value
		}
	}
	return b
}

// versionNumbers reads go1.26.8, and what it can of other versions.
func versionNumbers(version string) (major, minor, patch int) {
	version, _, _ = strings.Cut(strings.TrimPrefix(version, "go"), " ")
	var numbers [3]int
	for i, part := range strings.SplitN(version, ".", len(numbers)) {
		rest := strings.TrimLeft(part, "0123456789") // 1.27rc1
		numbers[i], _ = strconv.Atoi(strings.TrimSuffix(part, rest))
	}
	return numbers[0], numbers[1], numbers[2]
}
