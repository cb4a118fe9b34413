package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// polling schedules the targets: it makes the schedule what registry and
// configuration say.
type polling struct {
	log     *slog.Logger
	started time.Time
	targets targets

	scheduler *schedule.Scheduler
	probes    *collector.ProbeDurations
	durations *collector.HTTPDurations // nil unless asked for
	rules     atomic.Pointer[rules]    // nil before the first configuration
	gone      atomic.Pointer[[]registry.Tombstone]

	reconciling sync.Mutex               // protects all following fields
	applied     *rules                   // those by which the targets on the schedule were derived; nil before the start
	derived     map[string]derivedTarget // of targets that are not the operator's own
	restored    map[string]struct{}      // targets whose saved state has been used
	forgetAbove int                      // how many of them there may be before those that are gone are forgotten
}

// targets are those that are wanted, and those that are gone.
type targets interface {
	states
	Replace(source prober.Source, targets []prober.Target)
	Target(app string) (*prober.Target, bool)
	// Changes are those since the last call, or everything.
	Changes(all bool) registry.Changes
	// Changed says that there is something new; one slot.
	Changed() <-chan struct{}
	Expired() map[registry.Reason]uint64
}

func newPolling(opts *Options, started time.Time, targets targets) *polling {
	p := &polling{
		log: opts.Log, started: started, targets: targets, probes: collector.NewProbeDurations(opts.NativeHistograms),
		derived: map[string]derivedTarget{}, restored: map[string]struct{}{},
	}
	if opts.NativeHistograms {
		p.durations = collector.NewHTTPDurations()
	}
	p.gone.Store(&[]registry.Tombstone{})
	p.scheduler = schedule.New(schedule.Options{
		MaxInFlight: maxInFlight(opts.MaxInFlight), Log: opts.Log, Observe: p.probes.Observe,
	})
	return p
}

// settled reports whether all targets are there that will be of those that were there
// before the start.
func (p *polling) settled() bool {
	d := &p.rules.Load().cfg.Discovery
	return len(d.Jobs) == 0 && d.MDNS == nil || time.Since(p.started) >= settleAfter
}

func (p *polling) open(*config.Config) error { return nil }

// adopt puts the modules and the targets of a configuration in force, all but on the
// schedule: reconcile does that once others have their targets too.
func (p *polling) adopt(cfg *config.Config) {
	p.rules.Store(&rules{cfg: cfg, modules: p.observedModules(cfg), unavailable: p.checkKinds(cfg, prober.Kind.Available)})
	p.targets.Replace(prober.SourceConfig, cfg.Targets)
}

// begin probes, brings changes of the registry onto the schedule, and saves the states.
func (p *polling) begin(ctx context.Context, work *sync.WaitGroup) {
	work.Go(p.scheduler.Begin(ctx)) // whoever finds us ready may ask for a probe
	work.Go(func() { p.reconcileLoop(ctx) })
}

func (p *polling) close() error { return nil }

// exists reports whether there is a target of that name.
func (p *polling) exists(app string) bool {
	_, ok := p.targets.Target(app)
	return ok
}

func (p *polling) collectors() []prometheus.Collector {
	all := []prometheus.Collector{selfmetrics.Scheduler(p.scheduler.Stats), selfmetrics.Lost(p.lost), p.probes}
	if p.durations != nil {
		all = append(all, p.durations)
	}
	return all
}

// modules are those of the configuration in force, observed.
func (p *polling) modules() map[string]*prober.Module { return p.rules.Load().modules }
