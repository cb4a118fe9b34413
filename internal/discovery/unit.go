package discovery

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/targetgroup"

	"github.com/health-exporter/health_exporter/internal/names"
)

// retryAfter is when a mechanism that could not be started is tried again.
const retryAfter = time.Minute

// unit is one running mechanism, with what it has found.
type unit struct {
	// Immutable.
	config   Config
	job      string
	log      *slog.Logger
	failures *failures
	changed  func()

	stop   context.CancelFunc // nil before it runs
	hidden atomic.Pointer[prometheus.Registry]

	// last is the list of the last run, which stands until the mechanism gives one.
	last []labelSet

	mu       sync.Mutex // protects all following fields
	groups   map[string]*targetgroup.Group
	held     map[string]bool // groups of files that have become empty, see addFiles
	lastList time.Time       // zero if it has given none
	answered bool            // it has given a list, or there is nothing that could give one
	fresh    bool            // something came since take
}

// run runs the mechanism until ctx is done.
func (u *unit) run(ctx context.Context) {
	for {
		discoverer, err := u.open()
		if err == nil {
			u.follow(ctx, discoverer)
			return
		}
		u.log.Error("discovery cannot be started", "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryAfter):
		}
	}
}

// open makes the mechanism. What it would like to publish as metrics of its own stays in
// a registry that nobody sees.
func (u *unit) open() (discovery.Discoverer, error) {
	reg := prometheus.NewRegistry()
	u.hidden.Store(reg)
	refresh := discovery.NewRefreshMetrics(reg)
	if err := refresh.Register(); err != nil {
		return nil, fmt.Errorf("making metrics: %w", err)
	}
	metrics := u.config.NewDiscovererMetrics(reg, refresh)
	if err := metrics.Register(); err != nil {
		return nil, fmt.Errorf("making metrics: %w", err)
	}
	return literally(u.config.Config).NewDiscoverer(discovery.DiscovererOptions{
		Logger: u.log, Metrics: metrics, SetName: u.job,
		// A connection that is kept would outlive the mechanism.
		HTTPClientOptions: []config.HTTPClientOption{config.WithKeepAlivesDisabled()},
	})
}

// untold counts failures that the mechanism does not log, but counts itself.
func (u *unit) untold() (count uint64) {
	reg := u.hidden.Load()
	if reg == nil || u.config.Name() != "kubernetes" {
		return 0
	}
	families, err := reg.Gather()
	if err != nil {
		return 0
	}
	for _, f := range families {
		if f.GetName() == "prometheus_sd_kubernetes_failures_total" {
			for _, m := range f.GetMetric() {
				count += uint64(m.GetCounter().GetValue())
			}
		}
	}
	return count
}

// follow takes in what the mechanism finds.
func (u *unit) follow(ctx context.Context, discoverer discovery.Discoverer) {
	updates := make(chan []*targetgroup.Group)
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { discoverer.Run(ctx, updates) })
	look := u.lookForFiles()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look:
			look = u.lookForFiles()
		case groups, ok := <-updates:
			if !ok { // it has told all that it ever will
				updates = nil
				continue
			}
			u.add(groups, time.Now())
			u.changed()
		}
	}
}

// lookForFiles reports files that do not exist: Prometheus' code keeps quiet about
// them. It returns when to look again; nil for never.
func (u *unit) lookForFiles() <-chan time.Time {
	c, ok := u.config.Config.(*file.SDConfig)
	if !ok {
		return nil
	}
	if !slices.ContainsFunc(c.Files, matchesAny) {
		u.log.Error("there is no file to discover targets in", "files", strings.Join(c.Files, " "))
		u.add(nil, time.Time{})
		u.changed()
	}
	return time.After(time.Duration(c.RefreshInterval))
}

func matchesAny(pattern string) bool {
	found, err := names.Files(pattern)
	return err == nil && len(found) > 0
}

// add takes over new groups; those without targets are gone.
func (u *unit) add(groups []*targetgroup.Group, at time.Time) {
	emptied, several := u.takeIn(groups, at)
	for _, path := range several {
		u.log.Error("the file has a second document (---), which is not read: nothing of it is taken in until all is in one", "path", path)
	}
	for _, path := range emptied {
		u.log.Error("the file has no targets any more; its last ones stay until it has some, says [] or is removed", "path", path)
	}
}

func (u *unit) takeIn(groups []*targetgroup.Group, at time.Time) (emptied, several []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fresh = true
	if !at.IsZero() {
		u.lastList = at
	}
	if c, ok := u.config.Config.(*file.SDConfig); ok {
		return u.addFiles(groups, c.Files)
	}
	u.answered = true
	for _, g := range groups {
		switch {
		case g == nil:
		case len(g.Targets) == 0:
			delete(u.groups, g.Source)
		default:
			u.groups[g.Source] = g
		}
	}
	return nil, nil
}

// found is what a unit knows.
type found struct {
	groups   []*targetgroup.Group
	fresh    bool      // something came since the last look
	answered bool      // groups are all that there is
	lastList time.Time // zero if none was given
}

func (u *unit) take() found {
	u.mu.Lock()
	defer u.mu.Unlock()
	f := found{fresh: u.fresh, answered: u.answered, lastList: u.lastList}
	for _, source := range slices.Sorted(maps.Keys(u.groups)) {
		f.groups = append(f.groups, u.groups[source])
	}
	u.fresh = false
	return f
}
