package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/http"

	"github.com/health-exporter/health_exporter/prober"
)

func TestDiscovery(t *testing.T) {
	dir := writeFiles(t, map[string]string{"p": "secret"})
	c, err := parse(filepath.Join(dir, "c.yml"), []byte(`
discovery:
  jobs:
  - name: lan
    file_sd_configs: [{files: [targets/*.yml, /abs.json]}]
    http_sd_configs: [{url: "http://a/", refresh_interval: 5s}, {url: "http://b/", basic_auth: {username: u, password_file: p}}]
    static_configs: [{targets: [a, b], labels: {x: y}}]
    relabel_configs: [{source_labels: [__address__], regex: "(.*)x", replacement: $1, target_label: app}]
    module: tcp_connect
    interval: 1m
    timeout: 2s
    unhealthy: 3
    healthy: 4
    degraded_after: 1
    fast_start: true
    group: g
    email: me@Example.org
    labels: {site: home}
    max_targets: 5
  - {name: second, dns_sd_configs: [{names: [a.example.org]}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	job := c.Discovery.Jobs[0]
	want := prober.Target{
		Module: "tcp_connect", Interval: time.Minute, Timeout: 2 * time.Second, Unhealthy: 3, Healthy: 4, DegradedAfter: 1,
		FastStart: true, Group: "g", Email: "me@example.org", Labels: map[string]string{"site": "home"},
	}
	if diff := cmp.Diff(want, job.Defaults); diff != "" || job.Name != "lan" || job.MaxTargets != 5 || len(job.Relabel) != 1 {
		t.Error(diff, job)
	}
	var names []string
	for _, m := range job.Mechanisms {
		names = append(names, m.Name)
	}
	if diff := cmp.Diff([]string{"static_sd", "file_sd", "http_sd"}, names); diff != "" {
		t.Fatal(diff)
	}
	files := job.Mechanisms[1].Configs[0].Config.(*file.SDConfig)
	if diff := cmp.Diff([]string{dir + "/targets/*.yml", "/abs.json"}, files.Files); diff != "" {
		t.Error(diff)
	}
	first, second := job.Mechanisms[2].Configs[0], job.Mechanisms[2].Configs[1]
	if at := second.Config.(*http.SDConfig).HTTPClientConfig.BasicAuth.PasswordFile; at != dir+"/p" || first.Text == second.Text {
		t.Errorf("password file %s", at)
	}
	if d := c.Discovery.Jobs[1]; d.MaxTargets != DefaultDiscoveredTargets || d.Defaults.Interval != prober.DefaultInterval {
		t.Errorf("%+v", d)
	}
	if strings.Contains(c.Text(), "basic_auth: <secret>") || !strings.Contains(c.Text(), "lan") {
		t.Error(c.Text())
	}
}

// TestDiscoveryFaults: Prometheus' own types report theirs at the line where they are,
// and none hides another.
func TestDiscoveryFaults(t *testing.T) {
	_, err := parse("c.yml", []byte(`discovery:
  jobs:
  - name: web
    file_sd_configs:
    - files: [x.txt]
    - files: [x.yml]
      refresh_interval: 1mm
    http_sd_configs:
    - url: ftp://x
    - url: http://x
      basic_auth: {username: x, pasword: y}
    dns_sd_configs:
    - {names: [x], type: A}
    -
    static_configs:
    - labels: {a: b}
    relabel_configs:
    - regex: "(("
      target_label: x
    - action: hashmod
      target_label: x
    - action: nonsense
    interval: 1ms
    email: nonsense
    max_targets: 0
    unknown: 3
  - name: web
    module: nix
  - static_configs: [{targets: [a]}]
`))
	want := `18 faults in configuration file c.yml:
  line 5: discovery.jobs[0].file_sd_configs[0]: path name "x.txt" is not valid for file discovery
  line 7: discovery.jobs[0].file_sd_configs[1].refresh_interval: "1mm" is not a valid duration; write a number and a unit, such as 30s, 500ms, 5m or 1h
  line 9: discovery.jobs[0].http_sd_configs[0]: URL scheme must be 'http' or 'https'
  line 11: discovery.jobs[0].http_sd_configs[1].basic_auth.pasword: unknown key; did you mean "password"?
  line 12: discovery.jobs[0].dns_sd_configs[1]: must not be empty
  line 13: discovery.jobs[0].dns_sd_configs[0]: a port is required in DNS-SD configs for all record types except SRV
  line 16: discovery.jobs[0].static_configs[0].targets: is required
  line 18: discovery.jobs[0].relabel_configs[0].regex: error parsing regexp: missing closing ): ` + "`^(?s:(()$`" + `
  line 20: discovery.jobs[0].relabel_configs[1]: relabel configuration for hashmod requires non-zero modulus
  line 22: discovery.jobs[0].relabel_configs[2].action: unknown relabel action "nonsense"
  line 23: discovery.jobs[0].interval: must be between 1s and 24h, not 1ms
  line 24: discovery.jobs[0].email: "nonsense" is not a valid e-mail address: one plain address such as me@example.org is allowed
  line 25: discovery.jobs[0].max_targets: must be between 1 and 100000
  line 26: discovery.jobs[0].unknown: unknown key
  line 27: discovery.jobs[1]: names no mechanism: give static_configs, file_sd_configs, http_sd_configs, dns_sd_configs, kubernetes_sd_configs or consul_sd_configs
  line 27: discovery.jobs[1].name: "web" is given twice, first on line 3
  line 28: discovery.jobs[1].module: unknown module "nix"
  line 29: discovery.jobs[2].name: is required`
	if err == nil {
		t.Fatal("no fault")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

// TestMechanismsThatAreLeftOut name what to build; those that are built in load.
func TestMechanismsThatAreLeftOut(t *testing.T) {
	for key, config := range map[string]string{
		"kubernetes": "{role: pod, api_server: 'http://127.0.0.1:1'}", "consul": "{server: '127.0.0.1:1'}",
	} {
		builtIn := newKubernetesSD() != nil
		if key == "consul" {
			builtIn = newConsulSD() != nil
		}
		_, err := parse("c.yml", []byte("discovery:\n  jobs:\n  - name: x\n    "+key+"_sd_configs: ["+config+"]\n"))
		if builtIn && err != nil {
			t.Error(err)
		}
		want := "line 4: discovery.jobs[0]." + key + "_sd_configs: is not built into this program; build it with: go build -tags " + key
		if !builtIn && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestDiscoveryDoc holds docs/discovery.md against the code: its examples load, and each
// key of a job is described.
func TestDiscoveryDoc(t *testing.T) {
	raw, err := os.ReadFile("../../docs/discovery.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	files := makeFiles(t)
	examples := ""
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(page, -1) {
		if _, err := parse(filepath.Join(t.TempDir(), "discovery.md"), []byte(files.placed(block[1]))); err != nil {
			t.Errorf("an example:\n%s%s", block[1], err)
		}
		examples += block[1]
	}
	for _, key := range keysOfCheck(reflect.TypeFor[jobSection]()) {
		if slices.Contains(notOfJobs, key) {
			continue
		}
		if !strings.Contains(page, "`"+key+"`") {
			t.Errorf("the key %s is not described", key)
		}
		if !strings.Contains(examples, key+":") && key != "kubernetes_sd_configs" && key != "consul_sd_configs" {
			t.Errorf("no example has the key %s", key)
		}
	}
}

// FuzzDiscovery: no configuration of Prometheus' types brings the decoder down.
func FuzzDiscovery(f *testing.F) {
	f.Add("file_sd_configs: [{files: [a.yml]}]")
	f.Add("http_sd_configs: [{url: http://x, oauth2: {client_id: x}, tls_config: {}}]")
	f.Add("dns_sd_configs: [{names: [a], type: SRV}]")
	f.Add("static_configs: [{targets: [a], labels: {a: b}}]\n    relabel_configs: [{regex: a, action: drop}]")
	f.Add("relabel_configs: [{target_label: $1, regex: null, modulus: -1}]")
	f.Fuzz(func(t *testing.T, job string) {
		c, err := parse("c.yml", []byte("discovery:\n  jobs:\n  - name: x\n    "+job))
		if err == nil && len(c.Discovery.Jobs) > 0 && len(c.Discovery.Jobs[0].Mechanisms) == 0 {
			t.Error("a job without a mechanism")
		}
	})
}
