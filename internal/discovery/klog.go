//go:build kubernetes

package discovery

import (
	"log/slog"
	"sync"

	"k8s.io/klog/v2"
)

// adoptLibraries makes the libraries of Kubernetes log where everything else does, and
// not to the standard error output. They have one logger for the whole program.
func adoptLibraries(log *slog.Logger) {
	adoptOnce.Do(func() { klog.SetSlogLogger(log.With("library", "kubernetes")) })
}

var adoptOnce sync.Once // setting it again is not safe while they run
