package app

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/health-exporter/health_exporter/internal/config"
)

// TestConfigurationIsNotWritten: whoever uses the configuration leaves it as it was
// loaded, so that it may be read from everywhere without a lock.
func TestConfigurationIsNotWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yml")
	text := `
modules: {fast: {prober: http, timeout: 1s}}
targets:
- {app: b, url: "http://127.0.0.1:1", email: Me@Example.ORG, labels: {room: attic}, depends_on: [a]}
- {app: a, url: "http://127.0.0.1:1", module: fast, initial_delay: 1h}
discovery:
  jobs:
  - name: lan
    static_configs: [{targets: ["127.0.0.1:1"], labels: {room: cellar}}]
    relabel_configs: [{source_labels: [__address__], target_label: instance, regex: "(.*)", action: replace}]
checks: [{name: clock, kind: clock, groups: [x, checks]}]
maintenance: [{name: m, targets: [a], start: 2030-01-01T00:00:00Z, end: 2030-01-02T00:00:00Z}]
registration: {networks: [127.0.0.0/8], allowed_emails: ["@example.org", "@a.example"]}
alerting: {alertmanagers: ["http://127.0.0.1:1"]}
public: {targets: [b, a]}
network: {deny: [10.0.0.0/8]}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a := start(t, Options{ConfigFile: file, NativeHistograms: true})
	used := a.config.Load()
	own, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	modules := maps.Clone(own.Modules)
	if observed := a.polling.observedModules(own); observed["fast"] == modules["fast"] || !maps.Equal(modules, own.Modules) {
		t.Error("the modules that are observed are written into the configuration, or are not observed")
	}
	for range 2 {
		if code, body := a.post("/api/v1/targets", `{"app": "c", "url": "http://127.0.0.1:1", "email": "x@example.org"}`); code/100 != 2 {
			t.Fatalf("%d %s", code, body)
		}
		a.get("/metrics")
		a.get("/config")
		if err := a.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	fresh, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range used.Checks { // they cannot be compared
		used.Checks[i].Open, fresh.Checks[i].Open = nil, nil
	}
	for name, pair := range map[string][2]any{
		"targets":      {used.Targets, fresh.Targets},
		"checks":       {used.Checks, fresh.Checks},
		"discovery":    {used.Discovery, fresh.Discovery},
		"maintenance":  {used.Maintenance, fresh.Maintenance},
		"registration": {used.Registration, fresh.Registration},
		"alerting":     {used.Alerting, fresh.Alerting},
		"access":       {used.Access, fresh.Access},
		"public":       {used.Public, fresh.Public},
		"network":      {used.Network, fresh.Network},
		"environment":  {used.Environment, fresh.Environment},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: used %+v\nloaded %+v", name, pair[0], pair[1])
		}
	}
}
