package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
)

func parsed(t *testing.T, text string) *Config {
	t.Helper()
	c, err := parse("c.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChecks(t *testing.T) {
	c := parsed(t, `
checks:
- {name: disk, kind: disk, path: /var, min_free: 10%}
- name: database
  kind: sql
  driver: postgres
  dsn_file: /run/secrets/dsn
  interval: 1m
  timeout: 2s
  initial_delay: 10s
  success_ttl: 1m
  failed_ttl: 0s
  unhealthy: 3
  healthy: 4
  degraded_after: 2
  fast_start: true
  severity: warning
  groups: [ready, shop]
  depends_on: [disk]
  hidden: true
`)
	var got []health.Check
	for _, check := range c.Checks {
		got = append(got, check.Check)
	}
	want := []health.Check{
		{
			Name: "disk", Timeout: 5 * time.Second, Interval: 30 * time.Second, MaxAge: 95 * time.Second, Groups: []string{"checks"},
			Thresholds: health.Thresholds{Unhealthy: 2, Healthy: 2},
		},
		{
			Name: "database", Timeout: 2 * time.Second, Interval: time.Minute, InitialDelay: 10 * time.Second, PassTTL: time.Minute, FailTTL: -1, MaxAge: 182 * time.Second,
			Severity: health.WarningOnly, Groups: []string{"ready", "shop"}, DependsOn: []string{"disk"}, Hidden: true, Remote: true,
			Thresholds: health.Thresholds{Unhealthy: 3, Healthy: 4, DegradedAfter: 2, FastStart: true},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c.Checks[0].Fingerprint == c.Checks[1].Fingerprint || c.Checks[0].Fingerprint == "" {
		t.Error("fingerprints are alike")
	}
}

func TestFaultsOfChecks(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"{name: a}", `line 1: checks[0].kind: "" is not a kind of check, must be one of amqp, celery,`},
		{"{name: a, kind: clock, success_ttl: -1s, failed_ttl: 25h}", "checks[0].failed_ttl: must be between 0s and 24h0m0s, not 25h0m0s"},
		{"{name: a, kind: sqll}", `"sqll" is not a kind of check`},
		{"{kind: clock}", `line 1: checks[0].name: "" is empty`},
		{"{name: a/b, kind: clock}", `line 1: checks[0].name: "a/b" has a slash`},
		{"{name: exporter-x, kind: clock}", "checks[0].name: \"exporter-x\": names that begin with exporter- are the exporter's own"},
		{"{name: a, kind: clock, path: /}", "checks[0].path: unknown key"},
		{"{name: a, kind: disk, pth: /}", `checks[0].pth: unknown key; did you mean "path"?`},
		{"{name: a, kind: disk, min_free: lots}", "checks[0].min_free: "},
		{"{name: a, kind: clock, interval: 10ms, timeout: 2h, healthy: 0, unhealthy: 101}", "checks[0].interval: must be between 1s and 24h0m0s, not 10ms"},
		{"{name: a, kind: clock, interval: 10ms, timeout: 2h, healthy: 0, unhealthy: 101}", "checks[0].timeout: must be between 100ms and 1h0m0s, not 2h0m0s"},
		{"{name: a, kind: clock, interval: 10ms, timeout: 2h, healthy: 0, unhealthy: 101}", "checks[0].healthy: must be between 1 and 100, not 0"},
		{"{name: a, kind: clock, degraded_after: 2}", "checks[0].degraded_after: must be at least 1 and less than unhealthy (2), not 2"},
		{"{name: a, kind: clock, severity: fatal}", "checks[0].severity: "},
		{"{name: a, kind: clock, local: {}}", "checks[0].local: unknown key"},
		{"{name: a, kind: load, root: /}", "checks[0].root: unknown key"},
		{"{name: a, kind: file}", "checks[0].path: "},
		{"{name: a, kind: process, process: a/b}", `checks[0].process: is "a/b", must be a name without folder`},
		{"{name: a, kind: ntp, servers: [a, '']}", `checks[0].servers[1]: is "", must be host or host:port`},
		{"{name: a, kind: heartbeat, every: 0s}", "checks[0].every: is 0s, must be more than 0"},
		{"{name: a, kind: migrations, driver: mysql, dsn_env: X, tables: [{name: t}, {name: u, columns: [a, '']}]}", `checks[0].tables[1].columns[1]: is "", must be a name`},
		{"{name: a, kind: celery, url_env: X, min: -1}", "checks[0].min: is -1, must be 0 for the default, or more"},
		{"{name: a, kind: process}", "checks[0]."},
		{"{name: a, kind: exec}", "checks[0].command: "},
		{"{name: a, kind: sql, driver: oracle}", `checks[0].driver: is "oracle", must be one of mysql, postgres, sqlite`},
		{"{name: a, kind: sql, driver: mysql}", "checks[0].dsn_file: is \"\", must be a file, or dsn_env a variable, that has it"},
		{"{name: a, kind: sql, driver: mysql, dsn_file: x, dsn_env: y}", "checks[0].dsn_file: is \"x\", must be empty when dsn_env is given"},
		{"{name: a, kind: amqp}", "checks[0].url_file: "},
		{"{name: a, kind: amqp, url_env: X, max_depth: 1}", "checks[0].queue: "},
		{"{name: a, kind: composite}", "checks[0].of: "},
		{"{name: a, kind: composite, of: [b]}", `checks[0].of[0]: there is no check "b"`},
		{"{name: a, kind: composite, of: [a]}", `checks[0].of[0]: "a" is made of others itself`},
		{"{name: a, kind: composite, of: [a], need: most}", `checks[0].need: is "most", must be all, any, quorum, or a number from 1 to 1`},
		{"{name: a, kind: clock, depends_on: [bb, ab]}", `line 1: checks[0].depends_on[0]: there is no check "bb"`},
		{"{name: a, kind: clock, depends_on: [bb, ab]}", `line 1: checks[0].depends_on[1]: there is no check "ab"; did you mean "a"?`},
		{"{name: a, kind: clock, depends_on: [b]}, {name: b, kind: clok}", `checks[1].kind: "clok" is not a kind of check, must be one of`},
		{"{name: a, kind: clock, depends_on: [b]}, {name: b, kind: clok, interval: 1}", `did you mean "clock"?`},
		{"{name: a, kind: clock, depends_on: [b]}, {name: b, kind: clok, interval: 1}", `checks[1].interval: "1" is not a valid duration`},
		{"{name: a, kind: clock, depends_on: [b]}, {name: b, kind: clock, depends_on: [a]}", `checks[0].depends_on: makes a circle: "a" depends on "b" depends on "a"`},
		{"{name: a, kind: clock, depends_on: [a]}", `checks[0].depends_on: makes a circle: "a" depends on "a"`},
		{"{name: a, kind: clock, groups: ['x/y']}", `line 1: checks[0].groups: "x/y" has a slash`},
		{"{name: a, kind: file, interval: soon, max_age: lots, depends_on: [zz]}", `checks[0].path: `},
		{"{name: a, kind: file, interval: soon, max_age: lots, depends_on: [zz]}", `checks[0].max_age: `},
		{"{name: a, kind: file, interval: soon, max_age: lots, depends_on: [zz]}", `there is no check "zz"`},
		{"{name: a, kind: composite, of: [zz, b], need: most}, {name: b, kind: clock, interval: 0s}", `checks[0].of[0]: there is no check "zz"`},
		{"{name: a, kind: composite, of: [zz, b], need: most}, {name: b, kind: clock, interval: 0s}", `checks[0].need: is "most"`},
		{"{name: a, kind: clock}, {name: a, kind: clock}", `checks[1].name: "a" is given twice, first on line 1`},
		{"{name: a, kind: redis, groups: [live]}", `line 1: checks[0].groups: it depends on something outside this process`},
	} {
		_, err := parse("c.yml", []byte("checks: ["+test.text+"]"))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s:\n%v\nwant %s", test.text, err, test.want)
		}
	}
}

func TestSecretsOfChecks(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "dsn")
	if err := os.WriteFile(file, []byte(filepath.Join(dir, "my.db")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := parsed(t, "checks: [{name: a, kind: sql, driver: sqlite, dsn_file: "+file+"}, {name: b, kind: sql, driver: sqlite, dsn_env: NOT_SET_AT_ALL}]")
	opened, err := c.Checks[0].Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(opened.Run(t.Context()), opened.Close()); err != nil {
		t.Error(err)
	}
	if _, err := c.Checks[1].Open(nil); err == nil || !strings.Contains(err.Error(), "NOT_SET_AT_ALL is not set") {
		t.Errorf("%v", err)
	}
	t.Setenv("NOT_SET_AT_ALL", "postgres://u:hunter2@[broken")
	bad := parsed(t, "checks: [{name: a, kind: sql, driver: postgres, dsn_env: NOT_SET_AT_ALL}]")
	opened, err = bad.Checks[0].Open(nil)
	if err == nil {
		err = opened.Run(t.Context())
	}
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a DSN that is none: %v", err)
	}
}

func TestComposite(t *testing.T) {
	outcomes := map[string]health.Outcome{"good": health.Pass, "fair": health.Warn, "bad": health.Fail, "new": health.Reset}
	other := func(_ context.Context, name string) (*health.Status, bool) {
		o, ok := outcomes[name]
		return &health.Status{Result: health.Result{Outcome: o}}, ok
	}
	for _, test := range []struct {
		of   []string
		need string
		want string // the error
	}{
		{[]string{"good", "fair"}, "", ""},
		{[]string{"good", "bad"}, "", "1 of 2 pass, 2 must: not bad"},
		{[]string{"good", "bad"}, "any", ""},
		{[]string{"new", "bad"}, "any", "0 of 2 pass, 1 must: not bad, new"},
		{[]string{"good", "bad", "fair"}, "quorum", ""},
		{[]string{"good", "bad"}, "quorum", "1 of 2 pass, 2 must: not bad"},
		{[]string{"good", "bad", "fair"}, "2", ""},
		{[]string{"good", "bad", "fair"}, "3", "2 of 3 pass, 3 must: not bad"},
	} {
		c := compositeCheck{Of: test.of, Need: test.need}
		opened, err := c.open(other)
		if err != nil {
			t.Fatal(err)
		}
		if err := opened.Run(t.Context()); (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
			t.Errorf("%q of %q: %v", test.need, test.of, err)
		}
	}
}

func TestEnvironmentSection(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	off := parsed(t, "")
	if off.Environment.Enabled || off.Environment.Allows("") {
		t.Error("it is on, or open, without a word in the file")
	}
	on := parsed(t, "environment: {enabled: true, token_file: "+token+", sections: [os, go], show_values: [APP_*]}").Environment
	if !on.Allows("0123456789abcdef") || on.Allows("x") || on.Allows("") || !slices.Equal(on.Sections, []string{"os", "go"}) {
		t.Errorf("%+v", on)
	}
	for text, want := range map[string]string{
		"{enabled: true}":                       "environment.token_file: is required when enabled is true",
		"{enabled: true, token_file: /nowhere}": "environment.token_file: open /nowhere",
		"{sections: [env]}":                     `environment.sections: "env" is not a section, must be one of os, go, process, config, limits`,
		"{on: true}":                            "environment.on: unknown key",
	} {
		if _, err := parse("c.yml", []byte("environment: "+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
