package app

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/server"
)

// settingsOf are what a configuration says to the server. They are immutable.
func (s *serving) settingsOf(cfg *config.Config) *server.Settings {
	r := &cfg.Registration
	return &server.Settings{
		Modules: s.modules(), Network: cfg.Network, ConfigText: cfg.Text, ModuleText: cfg.ModuleText,
		Environment: s.environment(cfg), SeesEnvironment: cfg.Environment.Allows,
		ExternalURL: externalURL(cfg, s.opts.ExternalURL), Public: public(cfg.Public),
		Access: s.accessRules(cfg),
		Registration: server.Registration{
			MaxTargets: r.MaxTargets, MaxTargetsPerOwner: r.MaxTargetsPerOwner, MaxTargetsPerAddress: r.MaxTargetsPerAddress,
			Rate: r.Rate, Burst: r.Burst, AllowsEmail: r.AllowsEmail,
		},
	}
}

// externalURL is under which people find the exporter: what the configuration says to
// mails, or what the command line says.
func externalURL(cfg *config.Config, commandLine string) string {
	return strings.TrimSuffix(cmp.Or(cfg.Alerting.ExternalURL, commandLine), "/")
}

func public(p *config.Public) *server.Public {
	if p == nil {
		return nil
	}
	return &server.Public{Title: p.Title, Shows: func(kind, name, group string) bool { return p.Shows(kind == "check", name, group) }}
}

// environment is what /environment shows; nil if that is switched off.
func (s *serving) environment(cfg *config.Config) http.Handler {
	if !cfg.Environment.Enabled {
		return nil
	}
	without := func(section string) bool { return !slices.Contains(cfg.Environment.Sections, section) }
	return &envinfo.Environment{
		WithoutOS: without("os"), WithoutGo: without("go"), WithoutProcess: without("process"),
		WithoutConfig: without("config"), WithoutLimits: without("limits"),
		Config: s.opts.Settings, ShowValues: cfg.Environment.ShowValues,
	}
}
