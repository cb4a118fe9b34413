package config

import (
	"strings"
	"testing"
)

func TestUnprintableIsRefused(t *testing.T) {
	for _, text := range []string{
		`targets: [{app: "a\u202eb", url: "http://a.example"}]`,
		`targets: [{app: a, url: "http://a.example/\u200b"}]`,
		`targets: [{app: a, url: "http://a.example", labels: {x: "a\u200eb"}}]`,
		`maintenance: [{name: "x\u202e", days: [sunday], from: "02:00", to: "03:00"}]`,
		`maintenance: [{name: x, targets: ["a\u2066"], days: [sunday], from: "02:00", to: "03:00"}]`,
		`public: {title: "St\u200batus"}`,
		`modules: {"a\u202e": {prober: http}}`,
		`checks: [{name: "d\u0007", kind: disk, path: /}]`,
		`checks: [{name: d, kind: exec, command: ["/bin/a\u202e"]}]`,
		`alerting: {heartbeat: {url: "https://a.example/\u202e"}}`,
		`discovery: {jobs: [{name: "a\ufeff", static_configs: [{targets: [a]}]}]}`,
	} {
		if _, err := parse("c.yml", []byte(text)); err == nil {
			t.Errorf("%s: %v", text, err)
		} else if said := err.Error(); !strings.Contains(said, "cannot be seen") && !strings.Contains(said, "cannot be printed") && !strings.Contains(said, "printable") && !strings.Contains(said, "not a valid url") {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{
		`modules: {a: {prober: tcp, tcp: {query_response: [{send: "a\r\n\u202e", expect_bytes: "\x00\x01"}]}}}`,
		`checks: [{name: ü ✓ ⚙️, kind: exec, command: [sh, -c, "a\n\tb"]}]`,
	} {
		if _, err := parse("c.yml", []byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
