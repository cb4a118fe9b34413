package prober

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"
)

// Request is what to probe. The deadline is the context's.
type Request struct {
	// Target is a URL or an address, as the module's kind reads it.
	Target string
	// Hostname overrides the name that is asked for: the Host header and server
	// name of kind http. Empty means the target's own.
	Hostname string
	// StatusCodes, if any, replaces the module's valid status codes.
	StatusCodes StatusCodes
	// Network says where we may connect to. nil refuses only what is always refused.
	Network *NetworkPolicy
	// Lookups, if not nil, says whether a name server that fails for the target fails for
	// all names: only that is our own fault, and without it every such failure is.
	Lookups *Lookups
	// Samples asks for Result.Samples, which cost memory that a schedule does not need.
	Samples bool
	// Log receives the steps of the probe at debug level. nil discards them.
	Log *slog.Logger
}

func (r Request) logger() *slog.Logger {
	if r.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return r.Log
}

// Debug logs a step of a probe to whoever asked for it.
func (r *Request) Debug(message string, attrs ...any) {
	if r.Log != nil {
		r.Log.Debug(message, attrs...)
	}
}

const modulePath = "github.com/health-exporter/health_exporter"

// userAgent is health_exporter and its version, as built into the program, be
// it ours or one that uses this package.
func userAgent() string {
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Path == modulePath {
			version = info.Main.Version
		}
		for _, dep := range info.Deps {
			if dep.Path == modulePath {
				version = dep.Version
			}
		}
	}
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	return "health_exporter/" + version
}

// parseHTTPTarget reads a target of the kinds over HTTP; without a scheme it
// means http. Errors never repeat the target, which may hold a password.
func parseHTTPTarget(target string) (*url.URL, error) {
	if hidesLogin(target) {
		return nil, because(ReasonInternal, errors.New("target is a URL without a host"))
	}
	lower := strings.ToLower(target[:min(len(target), len("https://"))])
	if !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
		target = "http://" + target
	}
	u, err := url.Parse(target)
	if err != nil {
		if of, ok := errors.AsType[*url.Error](err); ok {
			err = of.Err
		}
		return nil, because(ReasonInternal, fmt.Errorf("target is not a valid URL: %w", err))
	}
	if plainHost(u.Hostname()) == "" {
		return nil, because(ReasonInternal, errors.New("target is a URL without a host"))
	}
	tidyURL(u)
	return u, nil
}
