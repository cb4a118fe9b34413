package app

import (
	"net/url"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/internal/registry"
)

// goneStats are the targets that are gone, as of when the schedule was last made: a
// target is in the schedule, or here, and for a moment in both.
func (a *App) goneStats() collector.GoneStats {
	s := collector.GoneStats{Expired: map[string]uint64{}}
	for reason, n := range a.registry.Expired() {
		s.Expired[string(reason)] = n
	}
	for _, g := range *a.gone.Load() {
		s.Targets = append(s.Targets, collector.GoneTarget{
			Target: g.App, Reason: string(g.Reason), Email: a.mailable(g.Email), At: g.At,
		})
	}
	return s
}

// mailable is the address if it may be mailed and shown.
func (a *App) mailable(address string) string {
	if address == "" || !a.config.Load().Registration.AllowsEmail(address) {
		return ""
	}
	return address
}

// goneSubject is what there is to tell of a target that is gone.
func (a *App) goneSubject(g *registry.Tombstone, external string) alerting.Subject {
	s := alerting.Subject{
		Kind: alerting.Target, Name: g.App, Place: g.Place, Group: g.Group, Email: a.mailable(g.Email), Since: g.At,
		LastHealthy: g.LastHealthy, Gone: g.At, GoneWhy: g.Why(),
	}
	if external != "" {
		s.Link = external + "/targets/" + url.PathEscape(s.Name)
	}
	return s
}
