//go:build !kubernetes

package discovery

import "log/slog"

// adoptLibraries has nothing to do: no library logs in its own way.
func adoptLibraries(*slog.Logger) {}
