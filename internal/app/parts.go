package app

import (
	"context"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/internal/config"
)

// part is one of the parts of which the exporter is made. Each owns what it opens, and
// knows of the others only what it is given.
type part interface {
	// open opens what it owns, by the first configuration. If it cannot, it leaves nothing
	// open, and close is not called.
	open(cfg *config.Config) error
	// adopt puts a configuration in force: the first one after all parts are open, and
	// others while it runs.
	adopt(cfg *config.Config)
	// begin begins its work, all of which ends soon after ctx is done.
	begin(ctx context.Context, work *sync.WaitGroup)
	// close says and writes the last of what happened if its work had begun, which has
	// ended, and closes what was opened.
	close() error
	// collectors has its figures.
	collectors() []prometheus.Collector
}
