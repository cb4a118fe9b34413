package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/maintenance"
	"github.com/health-exporter/health_exporter/alerting/outbox"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// notifyEvery is how often changes are looked for that time alone brings.
const notifyEvery = 5 * time.Second

// telling notifies people, Alertmanagers and the receiver of the heartbeat of what has
// changed, unless that is held back for maintenance.
type telling struct {
	path     string // of the storage directory; empty for none
	log      *slog.Logger
	external string // the URL of the command line; empty if nobody says so
	// targets has those on the schedule, and those that are gone.
	targets func() ([]*schedule.Status, []registry.Tombstone)
	checks  func() []*schedule.Status
	saved   states

	changed chan struct{} // tells whoever pushes that states have changed
	stored  chan struct{} // tells notifyLoop that changes are on disk

	cfg   atomic.Pointer[config.Config]  // in force; nil before the first
	added *maintenance.Store             // over the API
	cover atomic.Pointer[alerting.Cover] // of all windows when last asked
	// covering makes one of them at a time.
	covering sync.Mutex
	outbox   *outbox.Outbox
	pushing  pushing
	news     news // notifyLoop's
	begun    bool

	windowsChanged func() // is called when there are other maintenance windows than before
}

// newTelling makes it. What it tells of, and ready, is asked for once it has begun.
func newTelling(opts *Options, begun <-chan struct{}, ready func() error) *telling {
	t := &telling{
		path: opts.StoragePath, log: opts.Log, external: opts.ExternalURL,
		changed: make(chan struct{}, 1), stored: make(chan struct{}, 1), news: news{offered: map[string]time.Time{}},
	}
	t.pushing = pushing{log: opts.Log, subjects: t.pushedSubjects, changed: t.changed, addresses: opts.listenAddresses(), heartbeat: heartbeat{log: opts.Log, begun: begun, ready: ready}}
	return t
}

// open opens the outbox, also if nobody is mailed: it is cheap, and whoever begins to
// mail wants no news of long ago.
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
	if t.begun {
		t.learn()
	}
	t.pushing.adopt(cfg.Alerting)
}

// begin reports everything.
func (t *telling) begin(ctx context.Context, work *sync.WaitGroup) {
	t.begun = true
	work.Go(func() { t.notifyLoop(ctx) })
	work.Go(func() { t.outbox.Run(ctx) })
	t.pushing.start(ctx, t.cfg.Load().Alerting)
	work.Go(func() {
		<-ctx.Done()
		t.pushing.end()
	})
}

// close has what has changed at last told after the next start.
func (t *telling) close() error {
	if t.begun {
		t.notify()
	}
	return t.outbox.Close()
}

func (t *telling) collectors() []prometheus.Collector {
	return []prometheus.Collector{selfmetrics.Notifications(func() selfmetrics.Notified {
		return selfmetrics.Notified{Mail: t.outbox.Stats(), Push: t.pushing.stats()}
	})}
}

// notifyLoop passes all changes to the outbox, as soon as a change of
// state is on disk, and now and then.
func (t *telling) notifyLoop(ctx context.Context) {
	tick := time.NewTicker(notifyEvery)
	defer tick.Stop()
	for {
		t.learn()
		t.notify()
		select {
		case <-ctx.Done():
			return
		case <-t.stored:
		case <-tick.C:
		}
	}
}

// notify hands over what is known.
func (t *telling) notify() { t.news.tell(t.outbox, t.subjects(time.Now()), t.storedChanges) }

// storedChanges are those changes of a subject that are on disk, oldest first.
func (t *telling) storedChanges(kind alerting.Kind, name string) []schedule.Transition {
	if kind == alerting.Check {
		name = checkPrefix + name
	}
	if saved := t.saved.Saved(name); saved != nil {
		return saved.Transitions
	}
	return nil
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
