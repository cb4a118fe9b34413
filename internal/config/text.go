package config

import (
	"strings"

	"github.com/prometheus/prometheus/discovery"
	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/prober"
)

// Text is the configuration as it is in force, with its defaults and without its secrets.
func (c *Config) Text() string {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, section := range []struct {
		key   string
		value any
	}{
		{"options", c.Options},
		{"modules", c.shownModules()},
		{"targets", c.Targets},
		{"discovery", c.shownDiscovery()},
		{"checks", c.shownChecks()},
		{"registration", &c.Registration},
		{"access", &c.Access},
		{"network", c.Network},
		{"environment", &c.Environment},
		{"alerting", c.Alerting.shown()},
		{"maintenance", c.shownMaintenance()},
		{"public", c.Public},
		{"metrics", &c.Metrics},
	} {
		if n := renderKeyed(section.key, section.value); n != nil {
			put(root, section.key, n)
		}
	}
	return text(root)
}

// ModuleText is one module as it is in force, without its secrets.
func (c *Config) ModuleText(name string) string {
	m, ok := c.Modules[name]
	if !ok {
		return ""
	}
	return text(render(shownModule(m)))
}

func text(n *yaml.Node) string {
	if n == nil {
		return "{}\n"
	}
	out, err := yaml.Marshal(n)
	if err != nil {
		return "# the configuration cannot be shown\n"
	}
	return string(out)
}

func (c *Config) shownModules() map[string]any {
	shown := make(map[string]any, len(c.Modules))
	for name, m := range c.Modules {
		shown[name] = shownModule(m)
	}
	return shown
}

// shownModule is a module as it would be written.
func shownModule(m *prober.Module) any {
	shown := orderedMap{
		{"prober", string(m.Kind())},
		{"timeout", m.Timeout()},
	}
	if rules := m.Allow(); len(rules) > 0 {
		texts := make([]string, len(rules))
		for i, rule := range rules {
			texts[i] = rule.String()
		}
		shown = append(shown, entry{"allow", texts})
	}
	return append(shown, entry{string(m.Kind()), m.Options()})
}

func (c *Config) shownDiscovery() any {
	var jobs []any
	for i := range c.Discovery.Jobs {
		j := &c.Discovery.Jobs[i]
		job := orderedMap{{"name", j.Name}}
		for _, m := range j.Mechanisms {
			var list []any
			for _, each := range m.Configs {
				if groups, static := each.Config.(discovery.StaticConfig); static {
					for _, g := range groups {
						list = append(list, g)
					}
					continue
				}
				list = append(list, each.Config)
			}
			job = append(job, entry{strings.Replace(m.Name, "static_sd", "static", 1) + "_configs", list})
		}
		job = append(job, entry{"relabel_configs", j.Relabel}, entry{"max_targets", j.MaxTargets}, entry{"", j.Defaults})
		jobs = append(jobs, job)
	}
	return orderedMap{{"jobs", jobs}, {"mdns", c.Discovery.MDNS.shown()}}
}

// capability is a URL that is a secret as a whole, but for its host.
type capability string

func (a *Alerting) shown() any {
	shown := orderedMap{{"external_url", a.ExternalURL}}
	if a.HeartbeatURL != "" {
		shown = append(shown, entry{"heartbeat", orderedMap{{"url", capability(a.HeartbeatURL)}, {"interval", a.HeartbeatInterval}}})
	}
	if a.Email != nil {
		email := *a.Email
		email.Wait, email.Interval = max(0, email.Wait), max(0, email.Interval) // less is for not at all
		shown = append(shown, entry{"email", &email})
	}
	return append(shown, entry{"alertmanagers", a.Alertmanagers})
}

func (m *MDNS) shown() any {
	if m == nil {
		return nil
	}
	shown := *m
	shown.Builtin = nil
	return &shown
}

func (c *Config) shownChecks() []any {
	var list []any
	for i := range c.Checks {
		list = append(list, orderedMap{{"", c.Checks[i].section}, {"", c.Checks[i].options}})
	}
	return list
}

func (c *Config) shownMaintenance() []any {
	var list []any
	for _, m := range c.Maintenance {
		shown := orderedMap{{"name", m.Name}, {"targets", m.Targets}, {"groups", m.Groups}}
		if m.Weekly {
			shown = append(shown, entry{"days", m.Days}, entry{"from", clockText(m.From)}, entry{"to", clockText(m.To)}, entry{"timezone", m.Location})
		} else {
			shown = append(shown, entry{"start", m.Start}, entry{"end", m.End})
		}
		list = append(list, shown)
	}
	return list
}
