package config

import (
	"strings"
	"testing"
)

// TestNoFaultHidesAnother: whoever mends one file should have to do it once.
func TestNoFaultHidesAnother(t *testing.T) {
	for text, want := range map[string][]string{
		"modules: {a: {prober: http, http: {methd: X, body_size_limit: many, valid_http_versions: [a], fail_if_header_matches: [{header: X}]}}}": {
			"a.http.methd: unknown key", "a.http.body_size_limit: ", "a.http.fail_if_header_matches[0]",
		},
		"modules: {a: {prober: http, timeout: soon, http: {methd: X}, htpp: {}}}": {
			"modules.a.timeout: ", "modules.a.http.methd: ", `modules.a.htpp: unknown key; did you mean "http"?`,
		},
		"modules: {a: {prober: tcp, timout: 5s}}": {`modules.a.timout: unknown key; did you mean "timeout"?`},
		"modules: {a: {prober: tcp, tcp: {tsl: 1}}}\ntargets: [{app: a, url: 'http://x', module: a, interval: 1ms}, {app: b, address: 'x:1', module: aa}]": {
			"modules.a.tcp.tsl: ", "targets[0].interval: ", "targets[0].url: ", `targets[1].module: unknown module "aa"`,
		},
		"modules: {mine: {prober: tcp}}\ntargets: [{app: b, address: 'x:1', module: mien}]": {`line 2: targets[0].module: unknown module "mien"; did you mean "mine"?`},
		"modules: {a: {prober: tcp, tcp: {tsl: 1}}}\ndiscovery: {jobs: [{name: a, static_configs: [{targets: [b]}], module: a, interval: 1ms}]}": {
			"modules.a.tcp.tsl: ", "discovery.jobs[0].interval: ",
		},
		"discovery: {jobs: [{name: a, static_configs: [{targets: [b]}], module: htp_2xx}]}": {`line 1: discovery.jobs[0].module: unknown module "htp_2xx"; did you mean "http_2xx"?`},
		"maintenance: [{nmae: a, targets: [[]], start: soon, end: never, timezone: Moon}]": {
			`maintenance[0].nmae: unknown key`, "maintenance[0].targets: ", "maintenance[0].start: ", "maintenance[0].end: ", "maintenance[0].timezone: ",
		},
		"maintenance: [{days: [mon, someday], from: 25, to: x, start: y}]": {
			`maintenance[0].days: "mon"`, `maintenance[0].days: "someday"`, "maintenance[0].from: ", "maintenance[0].to: ", "start or end",
		},
		"registration: {max_targets: -1, burst: -2, rate: -3, tokens: [{}]}": {
			"line 1: registration.max_targets: must not be negative, as -1", "line 1: registration.burst: ", "line 1: registration.rate: ",
			"registration.tokens[0].name: is required", "registration.tokens[0].token_file: is required",
		},
		"\npublic: {}":                        {"line 2: public: names nothing"},
		"\ndiscovery: {mdns: {services: []}}": {"line 2: discovery.mdns.services: must not be empty"},
		"targets: [{app: a, url: 'http://x', valid_status_codes: [200, 6xx, soon, 700-600]}]": {
			"valid_status_codes[1]: ", "valid_status_codes[2]: ", "valid_status_codes[3]: ",
		},
	} {
		_, err := parse("c.yml", []byte(text))
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s:\n%v\nwant %s", text, err, part)
			}
		}
		if err != nil && (strings.Count(err.Error(), "\n") != len(want) || strings.Count(err.Error(), "line ") != len(want)) {
			t.Errorf("%s: want %d faults, each with its line:\n%s", text, len(want), err)
		}
	}
}
