package app

import (
	"context"

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
	// run does its work, and returns soon after ctx is done, when all of it has ended.
	run(ctx context.Context)
	// close says and writes the last of what happened while it ran, if it ran, and closes
	// what was opened. The parts that follow it are closed.
	close() error
	// collectors has its figures.
	collectors() []prometheus.Collector
}
