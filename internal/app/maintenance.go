package app

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/maintenance"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/server"
	"github.com/health-exporter/health_exporter/prober"
)

// maintenanceWindows shows the maintenance windows of the configuration, and keeps
// those that are added over the API.
type maintenanceWindows struct{ telling *telling }

func (b maintenanceWindows) List(now time.Time) []server.Maintenance {
	var list []server.Maintenance
	for _, w := range windows(b.telling.cfg.Load()) {
		if w.Weekly != nil || now.Before(w.End) {
			list = append(list, shown(w, prober.SourceConfig, now))
		}
	}
	for _, w := range b.telling.added.List(now) {
		list = append(list, shown(w, prober.SourceAPI, now))
	}
	return list
}

// Covering reports for targets and checks whether they are in a maintenance window.
func (b maintenanceWindows) Covering(now time.Time) func(name, group string) bool {
	return b.telling.covers(now).Of(func(w *alerting.Window) bool { return w.Open(now) })
}

// covers is the cover of all windows, those that are not open too: when they open, what
// they cover is known.
func (t *telling) covers(now time.Time) *alerting.Cover {
	list := t.windows(now)
	if cover := t.cover.Load(); cover != nil && cover.Same(list) {
		return cover
	}
	t.covering.Lock()
	defer t.covering.Unlock()
	old := t.cover.Load()
	if old != nil && old.Same(list) {
		return old
	}
	cover := alerting.NewCover(list, old)
	t.cover.Store(cover)
	return cover
}

// learn finds out which windows cover what, so that no page waits for that.
func (t *telling) learn() {
	t.covers(time.Now()).Learn(func(yield func(name, group string) bool) {
		for _, each := range slices.Concat(t.targets.Snapshot(), t.checks.Snapshot()) {
			if !yield(each.Target.App, each.Target.Group) {
				return
			}
		}
	})
}

func shown(w alerting.Window, source prober.Source, now time.Time) server.Maintenance {
	m := server.Maintenance{
		Name: w.Name, Targets: w.Targets, Groups: w.Groups, Source: source, Open: w.Open(now),
		All: len(w.Targets) == 0 && len(w.Groups) == 0,
	}
	if w.Weekly == nil {
		m.Start, m.End = &w.Start, &w.End
	}
	return m
}

func (b maintenanceWindows) Add(m server.Maintenance) error {
	err := b.telling.added.Add(alerting.Window{
		Name: m.Name, Targets: m.Targets, Groups: m.Groups, Start: *m.Start, End: *m.End,
	})
	if err == nil {
		b.telling.learn()
		b.telling.windowsChanged()
	}
	return notStored(err)
}

// notStored is the error as the server knows it.
func notStored(err error) error {
	if errors.Is(err, maintenance.ErrStorage) {
		return fmt.Errorf("%w: %w", server.ErrNotStored, err)
	}
	return err
}

func (b maintenanceWindows) Remove(name string) (bool, error) {
	known, err := b.telling.added.Remove(name)
	b.telling.windowsChanged()
	b.telling.outbox.Wake() // what was held back may be told
	return known, notStored(err)
}

// windows are all that are not over.
func (t *telling) windows(now time.Time) []alerting.Window {
	return slices.Concat(windows(t.cfg.Load()), t.added.List(now))
}

// windows are the maintenance windows of the configuration.
func windows(cfg *config.Config) alerting.Windows {
	var list alerting.Windows
	for _, m := range cfg.Maintenance {
		w := alerting.Window{Name: m.Name, Targets: m.Targets, Groups: m.Groups, Start: m.Start, End: m.End}
		if m.Weekly {
			w.Weekly = &alerting.Weekly{Days: m.Days, From: m.From, To: m.To, Location: m.Location}
		}
		list = append(list, w)
	}
	return list
}
