package envinfo

import (
	"cmp"
	"context"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// processSection is the section process.
func (e *Environment) processSection(context.Context) (any, error) {
	started := startTime()
	cwd, _ := os.Getwd() // unknown is empty
	args := redact.Args(os.Args)
	argv := make([]any, len(args))
	for i, arg := range args {
		argv[i] = arg
	}
	return map[string]any{
		"argv":           argv,
		"cwd":            redact.Text(cwd),
		"user":           userName(),
		"pid":            os.Getpid(),
		"environ":        variables(os.Environ(), e.ShowValues),
		"start_time":     started.UTC().Format(time.RFC3339),
		"uptime_seconds": max(0, int64(time.Since(started)/time.Second)),
	}, nil
}

// userName is who the process runs as, by whatever knows.
func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return cmp.Or(os.Getenv("USER"), os.Getenv("USERNAME"), "UNKNOWN")
}

// variables are those of an environment as os.Environ has it: all names, and the
// values of those that may be shown.
func variables(environ, show []string) map[string]any {
	shown := make(map[string]any, len(environ))
	for _, pair := range environ {
		// Windows has variables such as =C:, whose names begin with the sign.
		i := strings.IndexByte(pair[min(1, len(pair)):], '=') + 1
		if i <= 0 {
			continue
		}
		name, value := pair[:i], pair[i+1:]
		if mayShow(name, show) {
			shown[redact.Text(name)] = redact.Text(value)
		} else {
			shown[redact.Text(name)] = redact.Mask
		}
	}
	return shown
}

// mayShow reports whether the value of a variable may be shown. What is named in full is
// meant; a pattern may match more than whoever wrote it thought of.
func mayShow(name string, show []string) bool {
	if isHarmlessVariable(name) || slices.Contains(show, name) {
		return true
	}
	return !redact.Name(name) && slices.ContainsFunc(show, func(pattern string) bool {
		prefix, ok := strings.CutSuffix(pattern, "*")
		return ok && strings.HasPrefix(name, prefix)
	})
}

// isHarmlessVariable reports whether a variable holds no secret on any machine.
func isHarmlessVariable(name string) bool {
	switch name {
	case "PATH", "LANG", "LANGUAGE", "TZ", "HOSTNAME", "HOME", "PWD", "OLDPWD", "SHELL", "SHLVL", "TERM", "USER", "LOGNAME",
		"GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GODEBUG", "GOTRACEBACK", "GOROOT", "GOPATH", "GOOS", "GOARCH", "GOARM",
		"GOAMD64", "GOFLAGS", "GOTOOLCHAIN", "GOEXPERIMENT", "CGO_ENABLED",
		"POD_NAME", "POD_NAMESPACE", "POD_IP", "NODE_NAME", "INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET":
		return true
	}
	return strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "KUBERNETES_SERVICE_")
}
