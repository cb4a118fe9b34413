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
			Name: "database", Timeout: 2 * time.Second, Interval: time.Minute, InitialDelay: 10 * time.Second, MaxAge: 182 * time.Second,
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

// Every kind can be written with all its keys, and opened.
func TestEveryKindOfCheck(t *testing.T) {
	t.Setenv("CHECK_SECRET", "x")
	all := map[string]string{
		"amqp":        "url_env: CHECK_SECRET, queue: q, min_consumers: 1, max_depth: 10, warn_depth: 5, tls_config: {insecure_skip_verify: true}",
		"celery":      "url_env: CHECK_SECRET, min: 1, workers: [celery@a], wait: 1s, exchange: celery, tls_config: {}",
		"certificate": "path: /etc/x.pem, min_left: 7d, warn_left: 21d",
		"clock":       "max_error: 1s",
		"composite":   "of: [first], need: any",
		"disk":        "path: /, min_free: 5%, warn_free: 1GiB, min_inodes: 1%, warn_inodes: 2%, allow_read_only: true",
		"exec":        "command: [/bin/true], env: [A=b], dir: /, max_output: 100",
		"file":        "path: /tmp/*, max_age: 1d, warn_age: 12h, min_size: 1, max_size: 1000, match: ^ok",
		"heartbeat":   "every: 1d, grace: 1h",
		"load":        "max: 4, warn: 2, minutes: 15",
		"memory":      "min_free: 5%, warn_free: 10%",
		"migrations":  "driver: mysql, dsn_env: CHECK_SECRET, preset: alembic, version_table: v, want: [abc], tables: [{name: t, columns: [a]}]",
		"ntp":         "servers: [127.0.0.1], max_offset: 1s",
		"pressure":    "resource: io, max: 50, warn: 20, full: true, seconds: 60",
		"process":     "process: sshd, match: sshd, min: 1, max: 9",
		"redis":       "address: 'localhost:6379', username: u, password_env: CHECK_SECRET, database: 1, tls: true, tls_config: {}, max_lag: 10s, min_replicas: 1",
		"runtime":     "max_goroutines: 1000, max_heap: 100000000, max_pause: 10ms, min_files: 5%",
		"sql":         "driver: sqlite, dsn_env: CHECK_SECRET, query: SELECT 1",
	}
	for kind := range checkKinds {
		options, ok := all[kind]
		if !ok {
			t.Errorf("no test of kind %s", kind)
			continue
		}
		if kind == "migrations" {
			options = strings.Replace(options, "dsn_env: CHECK_SECRET", "dsn_env: CHECK_DSN", 1)
			t.Setenv("CHECK_DSN", "u:p@tcp(127.0.0.1:1)/d")
		}
		c := parsed(t, "checks: [{name: first, kind: clock}, {name: x, kind: "+kind+", "+options+"}]")
		opened, err := c.Checks[1].Open(func(context.Context, string) (*health.Status, bool) { return nil, false })
		if err != nil || opened.Run == nil {
			t.Errorf("%s: %v", kind, err)
		}
		if (opened.Heartbeat != nil) != (kind == "heartbeat") {
			t.Errorf("%s: heartbeat %v", kind, opened.Heartbeat)
		}
		if opened.Close != nil {
			if err := opened.Close(); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
}

func TestFaultsOfChecks(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"{name: a}", `line 1: checks[0].kind: "" is no kind of check, must be one of amqp, celery,`},
		{"{name: a, kind: sqll}", `"sqll" is no kind of check`},
		{"{kind: clock}", `check "": the name is empty`},
		{"{name: a/b, kind: clock}", `check "a/b": the name has a slash`},
		{"{name: exporter-x, kind: clock}", "checks[0].name: \"exporter-x\": names that begin with exporter- are the exporter's own"},
		{"{name: a, kind: clock, path: /}", "checks[0].path: unknown key"},
		{"{name: a, kind: disk, pth: /}", `checks[0].pth: unknown key; did you mean "path"?`},
		{"{name: a, kind: disk, min_free: lots}", "checks[0].min_free: "},
		{"{name: a, kind: clock, interval: 10ms, timeout: 2h, healthy: 0, unhealthy: 101}", "checks[0].interval: must be between 1s and 24h0m0s, not 10ms"},
		{"{name: a, kind: clock, interval: 10ms, timeout: 2h, healthy: 0, unhealthy: 101}", "checks[0].timeout: must be between 100ms and 1h0m0s, not 2h0m0s"},
		{"{name: a, kind: clock, interval: 10ms, timeout: 2h, healthy: 0, unhealthy: 101}", "checks[0].healthy: must be between 1 and 100, not 0"},
		{"{name: a, kind: clock, degraded_after: 2}", "checks[0].degraded_after: must be at least 1 and less than unhealthy (2), not 2"},
		{"{name: a, kind: clock, severity: fatal}", "checks[0].severity: "},
		{"{name: a, kind: file}", "checks[0].path: "},
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
		{"{name: a, kind: clock, depends_on: [b]}", `check "a": depends on "b", which there is no check of`},
		{"{name: a, kind: clock}, {name: a, kind: clock}", `checks[1].name: "a" is given twice, first on line 1`},
		{"{name: a, kind: redis, groups: [live]}", `check "a": it depends on something outside this process`},
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
		"{sections: [env]}":                     `environment.sections: "env" is no section, must be one of os, go, process, config, limits`,
		"{on: true}":                            "environment.on: unknown key",
	} {
		if _, err := parse("c.yml", []byte("environment: "+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
