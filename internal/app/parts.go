package app

import (
	"context"
	"errors"
	"slices"
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
	// collectors are those of its metrics.
	collectors() []prometheus.Collector
}

// parts are several, in order.
type parts []part

// open opens all, or none.
func (all parts) open(cfg *config.Config) error {
	for i, p := range all {
		if err := p.open(cfg); err != nil {
			return errors.Join(err, all[:i].close())
		}
	}
	return nil
}

func (all parts) adopt(cfg *config.Config) {
	for _, p := range all {
		p.adopt(cfg)
	}
}

func (all parts) begin(ctx context.Context, work *sync.WaitGroup) {
	for _, p := range all {
		p.begin(ctx, work)
	}
}

// close closes all, those opened last first.
func (all parts) close() (err error) {
	for _, p := range slices.Backward(all) {
		err = errors.Join(err, p.close())
	}
	return err
}
