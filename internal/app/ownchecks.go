package app

import (
	"context"
	"errors"

	"github.com/health-exporter/health_exporter/health"
)

// ownChecks are those of the exporter itself.
func (a *App) ownChecks() []health.Check {
	return []health.Check{
		a.telling.check(),
		{Name: "exporter-ready", PassTTL: -1, FailTTL: -1, Groups: []string{health.Ready, health.Startup}, Run: func(context.Context) error {
			return a.ready()
		}},
		{
			Name: "exporter-storage", PassTTL: -1, FailTTL: -1, Severity: health.WarningOnly, Groups: []string{health.Ready},
			Run: func(context.Context) error {
				if a.registry.Stats().DiskFailed {
					return errors.New("registrations and states cannot be stored")
				}
				return nil
			},
		},
	}
}
