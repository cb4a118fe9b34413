package config

import "testing"

// TestAliasesOfThemselves: a file that leads to itself is refused, or loads and can be
// shown; it does not bring the exporter down.
func TestAliasesOfThemselves(t *testing.T) {
	for _, text := range []string{
		"modules: &m {x: {<<: *m}}",
		"modules: {x: &x {prober: http, http: *x}}",
		"modules: {x: &x {prober: http, http: {headers: *x}}}",
		"modules: {x: {prober: http, http: &x {headers: {<<: *x}}}}",
		"checks: [&c {<<: *c}]",
		"checks: [&c {name: a, kind: clock, groups: *c}]",
		"checks: [{name: a, kind: composite, of: &o [*o]}]",
		"checks: [&c {name: a, kind: composite, of: *c}]",
		"targets: &t [*t]",
		"targets: [&t {app: a, url: 'http://a', labels: *t}]",
		"options: &o {a: *o}",
		"discovery: &d {jobs: [*d], mdns: *d}",
		"discovery: {jobs: [&j {name: a, relabel_configs: [*j], static_configs: [*j]}]}",
		"alerting: &a {email: *a, alertmanagers: [*a]}",
		"maintenance: [&m {name: a, targets: [*m]}]",
		"&all {public: *all, access: *all, registration: *all, network: *all, environment: *all}",
		"x: &x {y: *x}",
	} {
		if c, err := parse("c.yml", []byte(text)); err == nil {
			_ = c.Text()
		}
	}
}
