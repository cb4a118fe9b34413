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
	unwritten []func() string // what else cannot be stored, by who stores it
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

// check reports on /health whether all that is kept can be written, and whether any of it
// was damaged when the exporter started.
func (s *storage) check() health.Check {
	return health.Check{
		Name: "exporter-storage", PassTTL: -1, FailTTL: -1, Severity: health.WarningOnly, Groups: []string{health.Ready},
		Run: func(context.Context) error {
			var faults []string
			if failing := s.failing(); len(failing) > 0 {
				faults = append(faults, strings.Join(failing, ", ")+" cannot be stored: the disk is full, or fails (the log says how)")
			}
			if damage := s.damage(); len(damage) > 0 {
				faults = append(faults, strings.Join(damage, "; ")+". The next start without damage ends this warning")
			}
			if len(faults) > 0 {
				return errors.New(strings.Join(faults, "; "))
			}
			return nil
		},
	}
}

// failing is what cannot be written at the moment.
func (s *storage) failing() []string {
	var list []string
	if s.Stats().DiskFailed {
		list = append(list, "registrations and states")
	}
	return said(list, s.unwritten)
}

// damage is what was wrong with files at the start.
func (s *storage) damage() []string { return said([]string{s.Stats().Damage}, s.others) }

// said adds to a list what others say; nothing is not in it.
func said(list []string, others []func() string) []string {
	for _, other := range others {
		list = append(list, other())
	}
	return slices.DeleteFunc(list, func(text string) bool { return text == "" })
}
