package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTextIsAConfiguration: what is shown has only keys that there are, and can be loaded
// again but for the secrets that it does not show.
func TestTextIsAConfiguration(t *testing.T) {
	every, err := os.ReadFile("testdata/every-key.yml")
	if err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	templates := t.TempDir()
	example, err := os.ReadFile("../../health_exporter.yml.example")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing": "{}", "the example": string(example), "every key of modules": makeFiles(t).placed(string(every)),
		"every section": `
options: {web.listen-address: ":1", log.level: debug}
modules: {m: {prober: tcp, timeout: 3s, tcp: {query_response: [{expect: "^220", send: HELO}]}}}
targets:
  - {app: a, url: 'http://a.example/x', module: http_2xx, interval: 1m, timeout: 3s, initial_delay: 0s, unhealthy: 3, degraded_after: 1, healthy: 1, fast_start: true, email: me@example.org,
     group: g, labels: {a: b}, depends_on: [b], valid_status_codes: [200, 2xx, 300-399], paused: true}
  - {app: b, address: 'b:1', module: m}
discovery:
  jobs: [{name: j, static_configs: [{targets: [x]}], relabel_configs: [{source_labels: [__address__], target_label: y}], interval: 1m, group: g, max_targets: 5}]
  mdns: {services: [_http._tcp], networks: [10.0.0.0/8], interfaces: [eth0], modules: [m], max_targets: 7, interval: 1m, timeout: 3s, group: tv, labels: {a: b}}
checks:
  - {name: disk, kind: disk, path: /, min_free: 10%, success_ttl: 0s, groups: [live], severity: info, hidden: true}
  - {name: two, kind: composite, of: [disk], need: any, depends_on: [disk]}
  - {name: beat, kind: heartbeat, every: 1h, grace: 5m}
registration: {enabled: true, tokens: [{name: t, token_file: TOKEN, rights: [read, write, debug]}], networks: [10.0.0.0/8], allowed_emails: ['@example.org', me@example.net], max_targets: 5, rate: 2.5, burst: 4}
access: {read: token, debug: token, local_trust: false, proxies: [10.0.0.1/32], hosts: [health.example.org, '*.example.org']}
network: {allow: [10.0.0.0/8, 'db.example.org:5432'], deny: ['*.bad.example'], loopback: ['127.0.0.1:80']}
environment: {enabled: true, token_file: TOKEN, sections: [os, go], show_values: [PATH]}
alerting:
  external_url: http://health.example.org/x
  heartbeat: {url: 'https://hc.example.org/ping/abc', interval: 7m}
  email: {smarthost: 'mail.example.org:25', from: me@example.org, to: [me@example.org], username: me, auth_password: hunter2, wait: 0s, interval: 2m, reminder: 1h, templates: TEMPLATES, hello: x}
maintenance:
  - {name: w, days: [sunday], from: "02:00", to: "24:00", timezone: Europe/Berlin, targets: [a], groups: ["g*"]}
  - {name: o, start: 2026-12-24T18:00:00+01:00, end: 2026-12-25T18:00:00+01:00}
public: {title: T, targets: [a], groups: [g], checks: ["*"]}
`,
		"Alertmanagers": "alerting: {alertmanagers: ['http://a:9093', {url: 'http://b:9093', path_prefix: /x, basic_auth: {username: u, password: hunter2}}], heartbeat: {url: 'http://a/b'}}",
	} {
		t.Run(name, func(t *testing.T) {
			text = strings.NewReplacer("TOKEN", token, "TEMPLATES", templates).Replace(text)
			c, err := parse("c.yml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			shown := c.Text()
			again, err := parse("c.yml", []byte(shown))
			if err != nil {
				t.Fatalf("%s\n%s", err, shown)
			}
			if twice := again.Text(); twice != shown {
				t.Errorf("loaded again it is\n%s\nwas\n%s", twice, shown)
			}
		})
	}
}
