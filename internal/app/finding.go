package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/discovery"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/prober"
)

// finding finds targets, by the jobs of discovery and on the local network, where it
// announces the exporter too.
type finding struct {
	path  string // of the storage directory; empty for none
	log   *slog.Logger
	found found

	discovery *discovery.Discovery
	multicast multicast
}

// newFinding makes it; place says where others reach us, and is asked once that is known.
func newFinding(opts *Options, found found, place func() listening) *finding {
	return &finding{
		path: opts.StoragePath, log: opts.Log, found: found,
		multicast: multicast{
			path: opts.StoragePath, log: opts.Log, found: found, place: place,
			wanted: opts.Zeroconf, version: opts.Version, prefix: opts.RoutePrefix,
		},
	}
}

// found is called with what was found.
type found interface {
	// Replace makes these the only targets of a source.
	Replace(source prober.Source, targets []prober.Target)
	// Retire ends a source that the operator has removed: nobody is notified of its targets.
	Retire(source prober.Source)
}

// open prepares the discovery of targets. The lists of the last run are in force with
// the first configuration, so that a restart neither forgets a target nor tells anybody
// that it is gone.
func (f *finding) open(*config.Config) error {
	kept := ""
	if f.path != "" {
		kept = filepath.Join(f.path, "discovered.json")
	}
	f.discovery = discovery.New(discovery.Options{Replace: f.found.Replace, KeptFile: kept, Log: f.log})
	return nil
}

func (f *finding) adopt(cfg *config.Config) {
	f.multicast.adopt(cfg)
	f.discovery.Sync(jobsOf(cfg), cfg.KindOf)
}

// begin finds and announces.
func (f *finding) begin(ctx context.Context, work *sync.WaitGroup) {
	f.multicast.start(ctx)
	work.Go(func() { f.discovery.Run(ctx) })
	work.Go(func() {
		f.multicast.rememberLoop(ctx)
		f.multicast.stop()
	})
}

// withdraw ends the announcement of the exporter; discovery goes on.
func (f *finding) withdraw() { f.multicast.withdraw() }

// unwritten says what cannot be stored; empty for nothing.
func (f *finding) unwritten() string {
	if f.discovery.Unwritten() {
		return "discovered targets"
	}
	return ""
}

func (f *finding) close() error { return nil }

func (f *finding) collectors() []prometheus.Collector {
	return []prometheus.Collector{selfmetrics.Discovery(f.discovery.Stats), selfmetrics.Zeroconf(f.multicast.stats)}
}

// jobsOf are the jobs of a configuration.
func jobsOf(cfg *config.Config) []*discovery.Job {
	jobs := make([]*discovery.Job, len(cfg.Discovery.Jobs))
	for i, j := range cfg.Discovery.Jobs {
		job := &discovery.Job{Name: j.Name, Relabel: j.Relabel, Defaults: j.Defaults, MaxTargets: j.MaxTargets}
		for _, m := range j.Mechanisms {
			mechanism := discovery.Mechanism{Name: m.Name}
			for _, c := range m.Configs {
				mechanism.Configs = append(mechanism.Configs, discovery.Config{Config: c.Config, Text: c.Text})
			}
			job.Mechanisms = append(job.Mechanisms, mechanism)
		}
		jobs[i] = job
	}
	return jobs
}
