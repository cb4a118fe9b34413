package app

import (
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
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

// Covering tells of targets and checks whether maintenance of theirs is going on.
func (b maintenanceWindows) Covering(now time.Time) func(name, group string) bool {
	var open alerting.Windows
	for _, w := range slices.Concat(windows(b.telling.cfg.Load()), b.telling.added.List(now)) {
		if w.Open(now) {
			open = append(open, w)
		}
	}
	cover := b.telling.cover.Load()
	if cover == nil || !cover.Same(open) {
		cover = alerting.NewCover(open)
		b.telling.cover.Store(cover)
	}
	return cover.Has
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
	return b.telling.added.Add(alerting.Window{
		Name: m.Name, Targets: m.Targets, Groups: m.Groups, Start: *m.Start, End: *m.End,
	})
}

func (b maintenanceWindows) Remove(name string) (bool, error) {
	known, err := b.telling.added.Remove(name)
	b.telling.outbox.Wake() // what was held back may be told
	return known, err
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
