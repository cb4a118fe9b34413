package app

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// maintaining notes in the journal of which targets and checks maintenance begins and
// ends. It looks when a window opens or closes, or is another than before.
type maintaining struct {
	windows   func(now time.Time) []alerting.Window // all that are not over
	covering  func(now time.Time) func(name, group string) bool
	targets   maintainable
	checks    func() []string // their names
	deadlines *deadlines
	pressed   chan<- struct{} // is signalled when there is something to write; one slot

	differs atomic.Bool                 // windows may have opened or closed
	current atomic.Pointer[openWindows] // nil before the first look
}

// openWindows is what is covered by the windows that are open.
type openWindows struct {
	open   []alerting.Window
	covers func(name, group string) bool
}

// maintainable are the targets, and the states that are kept.
type maintainable interface {
	Targets() []*prober.Target
	Saved(name string) *schedule.Saved
}

func newMaintaining(telling *telling, targets maintainable, checks func() []string, pressed chan<- struct{}) *maintaining {
	return &maintaining{
		windows: telling.windows, covering: maintenanceWindows{telling}.Covering,
		targets: targets, checks: checks, deadlines: newDeadlines(), pressed: pressed,
	}
}

func (m *maintaining) open(*config.Config) error { return nil }

// adopt looks at the windows of another configuration.
func (m *maintaining) adopt(*config.Config) { m.changed() }

// begin waits for windows to open and close.
func (m *maintaining) begin(ctx context.Context, work *sync.WaitGroup) {
	m.look(time.Now()) // what is covered at the start has not begun just now
	work.Go(func() { m.deadlines.run(ctx) })
}

func (m *maintaining) close() error { return nil }

func (m *maintaining) collectors() []prometheus.Collector { return nil }

// changed has the windows looked at soon.
func (m *maintaining) changed() {
	m.differs.Store(true)
	signal(m.pressed)
}

// covered reports whether maintenance of a target or a check is going on.
func (m *maintaining) covered(name, group string) bool {
	current := m.current.Load()
	return current != nil && current.covers(name, group)
}

// events are those of windows that have opened or closed. No target may come or go
// meanwhile.
func (m *maintaining) events() []journal.Event {
	if !m.differs.Swap(false) {
		return nil
	}
	now := time.Now()
	before := m.look(now)
	after := m.current.Load()
	if before == after || before == nil {
		return nil
	}
	var list []journal.Event
	compare := func(kind, name, group, kept string) {
		was, is := before.covers(name, group), after.covers(name, group)
		if was == is {
			return
		}
		e := journal.Event{Time: now, Kind: kind, Name: name, What: journal.Maintenance, To: m.verdict(kept)}
		if was {
			e.What = journal.MaintenanceOver
		}
		list = append(list, e)
	}
	for _, t := range m.targets.Targets() {
		compare(journal.Target, t.App, t.Group, t.App)
	}
	for _, name := range m.checks() {
		compare(journal.Check, name, "", checkPrefix+name)
	}
	return list
}

func (m *maintaining) verdict(kept string) health.Verdict {
	if saved := m.targets.Saved(kept); saved != nil {
		return saved.State.Verdict
	}
	return health.Unknown
}

// look finds out what is covered now, and when to look again. It gives what was covered
// before.
func (m *maintaining) look(now time.Time) (before *openWindows) {
	var open []alerting.Window
	var next time.Time
	all := m.windows(now)
	for i := range all {
		w := &all[i]
		if w.Open(now) {
			open = append(open, *w)
		}
		if at := w.Next(now); next.IsZero() || !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	m.deadlines.set("maintenance", next, func(time.Time) { m.changed() })
	before = m.current.Load()
	if before == nil || !slices.EqualFunc(before.open, open, sameCover) {
		m.current.Store(&openWindows{open, m.covering(now)})
	}
	return before
}

func sameCover(a, b alerting.Window) bool {
	return slices.Equal(a.Targets, b.Targets) && slices.Equal(a.Groups, b.Groups)
}
