package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
)

// storage is the registry of targets and states. It is opened first and closed last, so
// its lock is held as long as anything of ours is in the storage directory.
type storage struct {
	*registry.Registry // nil until it is open

	opts      registry.Options
	chronicle *chronicle
	others    []func() string // what else was found damaged, by who keeps it
}

func newStorage(opts *Options, chronicle *chronicle) *storage {
	return &storage{chronicle: chronicle, opts: registry.Options{
		Path: opts.StoragePath, OnCorruption: opts.OnCorruption, Journal: chronicle, Log: opts.Log,
	}}
}

func (s *storage) open(*config.Config) (err error) {
	if s.opts.Path == "" {
		s.chronicle.open(nil)
	} else {
		s.chronicle.open(func(read func(*bolt.Tx) error) error { return s.View(read) })
	}
	s.Registry, err = registry.Open(s.opts)
	return err
}

func (s *storage) adopt(*config.Config) {}

// begin begins nothing: the registry works from when it is open until it is closed.
func (s *storage) begin(context.Context, *sync.WaitGroup) {}

func (s *storage) close() error { return s.Registry.Close() }

func (s *storage) collectors() []prometheus.Collector {
	return []prometheus.Collector{selfmetrics.Storage(s.Stats), selfmetrics.Journal(s.chronicle.Stats)}
}

// known are the names of all targets that there are, wherever they come from, and of what
// /metrics has of them.
func (s *storage) known() config.Known {
	known := config.Known{Families: MetricFamilies()}
	for _, t := range s.Targets() {
		known.Targets = append(known.Targets, t.App)
		if t.Group != "" && !slices.Contains(known.Groups, t.Group) {
			known.Groups = append(known.Groups, t.Group)
		}
	}
	return known
}

// check reports on /health whether registrations and states can be kept, and whether what
// was kept was damaged when the exporter started.
func (s *storage) check() health.Check {
	return health.Check{
		Name: "exporter-storage", PassTTL: -1, FailTTL: -1, Severity: health.WarningOnly, Groups: []string{health.Ready},
		Run: func(context.Context) error {
			stats := s.Stats()
			if stats.DiskFailed {
				return errors.New("registrations and states cannot be stored")
			}
			damage := []string{stats.Damage}
			for _, other := range s.others {
				damage = append(damage, other())
			}
			if damage = slices.DeleteFunc(damage, func(d string) bool { return d == "" }); len(damage) > 0 {
				return errors.New(strings.Join(damage, "; ") + ". The next start without damage ends this warning")
			}
			return nil
		},
	}
}
