package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/maintenance"
	"github.com/health-exporter/health_exporter/alerting/outbox"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// telling notifies people, Alertmanagers and the receiver of the heartbeat of what has
// changed, unless that is held back for maintenance.
type telling struct {
	path     string // of the storage directory; empty for none
	log      *slog.Logger
	external string // the URL of the command line; empty if nobody says so
	targets  roster
	checks   roster
	saved    tombstones

	cfg   atomic.Pointer[config.Config]  // in force; nil before the first
	added *maintenance.Store             // over the API
	cover atomic.Pointer[alerting.Cover] // of all windows when last asked
	// covering makes one of them at a time.
	covering sync.Mutex
	outbox   *outbox.Outbox
	pushing  pushing
	mailed   *audience // the outbox; nil before it begins
	pushed   *audience // whoever pushes; nil before it begins
	watching *watching

	journal        func() *journal.Journal // that of the storage, once it is open
	reconcile      func()                  // brings the schedule up to date with the registry
	windowsChanged func()                  // is called when there are other maintenance windows than before
}

// roster has the subjects of one kind.
type roster interface {
	Status(name string) (*schedule.Status, bool)
	Snapshot() []*schedule.Status
}

// tombstones are what is left of targets that are gone.
type tombstones interface {
	Tombstone(app string) (registry.Tombstone, bool)
	Tombstones() []registry.Tombstone
}

// newTelling makes it. What it tells of, and ready, is asked for once it has begun.
func newTelling(opts *Options, begun <-chan struct{}, ready func() error) *telling {
	t := &telling{path: opts.StoragePath, log: opts.Log, external: opts.ExternalURL}
	t.pushing = pushing{log: opts.Log, subject: t.pushedSubject, addresses: opts.listenAddresses(), heartbeat: heartbeat{log: opts.Log, begun: begun, ready: ready}}
	return t
}

// open opens the outbox, also if nobody is mailed: there may be news that are to be told
// once somebody is again.
func (t *telling) open(cfg *config.Config) error {
	opts, err := t.options(cfg)
	if err != nil {
		return err
	}
	t.added, err = maintenance.Open(t.path, t.log)
	if err != nil {
		return err
	}
	if t.outbox, err = outbox.Open(opts); err != nil {
		return err
	}
	t.pushing.memory = t.outbox
	t.adoptWindows()
	return nil
}

// adoptWindows moves maintenance windows to their own file, if the outbox has any from
// before. What fails is done at the next start.
func (t *telling) adoptWindows() {
	list, err := t.outbox.OldWindows()
	if len(list) > 0 && err == nil {
		if err = t.added.Adopt(list); err == nil {
			err = t.outbox.DropOldWindows()
		}
	}
	if err != nil {
		t.log.Error("maintenance windows added over the API cannot be moved to their own file", "err", err)
	}
}

// adopt puts a configuration in force, all but the options of the outbox, which can be
// wrong: whoever reloads makes them first, and hands them over last.
func (t *telling) adopt(cfg *config.Config) {
	t.cfg.Store(cfg)
	t.pushing.adopt(cfg.Alerting)
}

// reconfigure hands the options of the outbox over, once the schedule is that of the
// configuration. Who is told for the first time is told of what is bad.
func (t *telling) reconfigure(opts outbox.Options) {
	t.outbox.Reconfigure(opts)
	t.learn()
	for _, a := range []*audience{t.mailed, t.pushed} {
		if a != nil {
			a.again()
		}
	}
}

// begin tells of everything.
func (t *telling) begin(ctx context.Context, work *sync.WaitGroup) {
	t.learn()
	work.Go(func() { t.outbox.Run(ctx) })
	t.pushing.start(ctx, t.cfg.Load().Alerting)
	t.mailed = &audience{telling: t, journal: t.journal(), to: t.outbox, name: "outbox"}
	t.pushed = &audience{telling: t, journal: t.journal(), to: &t.pushing, name: "pusher"}
	work.Go(func() { t.mailed.run(ctx) })
	work.Go(func() { t.pushed.run(ctx) })
	work.Go(func() { t.watching.run(ctx, t.journal(), t.log) })
	work.Go(func() {
		<-ctx.Done()
		t.pushing.end()
	})
}

// close has the outbox hear the last of what happened, and closes it. Alertmanagers hear
// of it after the next start.
func (t *telling) close() error {
	for more := t.mailed != nil; more; more = t.mailed.step() {
		continue
	}
	return t.outbox.Close()
}

func (t *telling) collectors() []prometheus.Collector {
	return []prometheus.Collector{selfmetrics.Notifications(func() selfmetrics.Notified {
		return selfmetrics.Notified{Mail: t.outbox.Stats(), Push: t.pushing.stats()}
	})}
}

// problem is why people are not told at the moment; empty if they are.
func (t *telling) problem() string {
	if s := t.outbox.Stats(); s.Problem != "" {
		return "the last attempt to mail failed: " + s.Problem
	}
	return t.pushing.problem()
}

// damage says what was lost because a file was damaged at the start; empty for nothing.
func (t *telling) damage() string {
	var list []string
	if damage := t.outbox.Stats().Damage; damage != "" {
		list = append(list, fmt.Sprintf("outbox.db was damaged at the start (%s): changes not yet notified are lost", damage))
	}
	if damage := t.added.Damage(); damage != "" {
		list = append(list, fmt.Sprintf("maintenance.json was damaged at the start (%s): maintenance added over the API is lost", damage))
	}
	return strings.Join(list, "; ")
}

// unwritten says what cannot be stored; empty for nothing.
func (t *telling) unwritten() string {
	if t.outbox.Stats().DiskProblem != "" {
		return "notifications"
	}
	return ""
}

// check reports on /health whether mails get through.
func (t *telling) check() health.Check {
	return health.Check{
		Name: "exporter-notifications", PassTTL: -1, FailTTL: -1, Severity: health.WarningOnly, Groups: []string{"checks"},
		Run: func(ctx context.Context) error {
			health.Observe(ctx, "queued", t.outbox.Stats().Queued, "notices")
			if problem := t.problem(); problem != "" {
				return errors.New(problem)
			}
			return nil
		},
	}
}
