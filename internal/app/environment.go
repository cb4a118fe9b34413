package app

import (
	"net/http"
	"slices"

	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/internal/config"
)

// environment is what /environment shows; nil if that is switched off.
func (a *App) environment(cfg *config.Config) http.Handler {
	if !cfg.Environment.Enabled {
		return nil
	}
	without := func(section string) bool { return !slices.Contains(cfg.Environment.Sections, section) }
	return &envinfo.Environment{
		WithoutOS: without("os"), WithoutGo: without("go"), WithoutProcess: without("process"),
		WithoutConfig: without("config"), WithoutLimits: without("limits"),
		Config: a.opts.Settings, ShowValues: cfg.Environment.ShowValues,
	}
}
