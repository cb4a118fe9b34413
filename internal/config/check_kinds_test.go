package config

import (
	"context"
	"crypto/tls"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/checks/amqp"
	"github.com/health-exporter/health_exporter/checks/celery"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// everyKind has each kind with all its keys, and what they are.
var everyKind = map[string]struct {
	remote bool
	text   string
	want   checkKind
}{
	"amqp": {
		true, "url_env: CHECK_SECRET, queue: q, min_consumers: 1, max_depth: 10, warn_depth: 5, tls_config: {insecure_skip_verify: true}",
		&amqpCheck{
			broker{URLEnv: "CHECK_SECRET", TLSConfig: &config.TLSConfig{InsecureSkipVerify: true}},
			amqp.Queue{Name: "q", MinConsumers: 1, MaxDepth: 10, WarnDepth: 5},
		},
	},
	"celery": {
		true, "url_file: /x, min: 1, workers: [celery@a], wait: 1s, exchange: e, tls_config: {}",
		&celeryCheck{
			broker{URLFile: "/x", TLSConfig: &config.TLSConfig{}},
			celery.Workers{Min: 1, Names: []string{"celery@a"}, Wait: time.Second, Exchange: "e"},
		},
	},
	"certificate": {
		false, "path: /etc/x.pem, min_left: 7d, warn_left: 21d",
		plainOf(checks.CertificateFile{Path: "/etc/x.pem", MinLeft: 7 * 24 * time.Hour, WarnLeft: 21 * 24 * time.Hour}),
	},
	"clock":     {false, "max_error: 1s", plainOf(checks.Clock{MaxError: time.Second})},
	"composite": {false, "of: [first], need: any", &compositeCheck{Of: []string{"first"}, Need: "any"}},
	"disk": {
		false, "path: /, min_free: 5%, warn_free: 1GiB, min_inodes: 1%, warn_inodes: 2%, allow_read_only: true",
		plainOf(checks.Disk{
			Path: "/", MinFree: checks.Percent(5), WarnFree: checks.Number(1 << 30),
			MinInodes: checks.Percent(1), WarnInodes: checks.Percent(2), AllowReadOnly: true,
		}),
	},
	"exec": {
		false, "command: [/bin/true, x], env: [A=b], dir: /, max_output: 100",
		plainOf(checks.Exec{Command: []string{"/bin/true", "x"}, Env: []string{"A=b"}, Dir: "/", MaxOutput: 100}),
	},
	"file": {
		false, "path: /tmp/*, max_age: 1d, warn_age: 12h, min_size: 1, max_size: 1000, match: ^ok",
		plainOf(checks.File{
			Path: "/tmp/*", MaxAge: 24 * time.Hour, WarnAge: 12 * time.Hour, MinSize: 1, MaxSize: 1000, Match: regexp.MustCompile("^ok"),
		}),
	},
	"heartbeat": {false, "every: 1d, grace: 1h", &heartbeatCheck{Every: 24 * time.Hour, Grace: time.Hour}},
	"load":      {false, "max: 4, warn: 2, minutes: 15", plainOf(checks.Load{Max: 4, Warn: 2, Minutes: 15})},
	"memory": {
		false, "min_free: 5%, warn_free: 10%",
		plainOf(checks.Memory{MinFree: checks.Percent(5), WarnFree: checks.Percent(10)}),
	},
	"migrations": {
		true, "driver: mysql, dsn_env: CHECK_DSN, preset: alembic, version_table: v, want: [abc], tables: [{name: t, columns: [a]}]",
		&migrationsCheck{
			database{Driver: "mysql", DSNEnv: "CHECK_DSN"},
			checks.Migrations{
				Preset: "alembic", VersionTable: "v", Want: []string{"abc"}, Tables: []checks.Table{{Name: "t", Columns: []string{"a"}}},
			},
		},
	},
	"ntp": {true, "servers: [127.0.0.1], max_offset: 1s", plainOf(checks.NTP{Servers: []string{"127.0.0.1"}, MaxOffset: time.Second})},
	"pressure": {
		false, "resource: io, max: 50, warn: 20, full: true, seconds: 60",
		plainOf(checks.Pressure{Resource: "io", Max: 50, Warn: 20, Full: true, Seconds: 60}),
	},
	"process": {
		false, "process: sshd, match: x, pid_file: /run/x, min: 1, max: 9",
		plainOf(checks.Process{Name: "sshd", Match: regexp.MustCompile("x"), PIDFile: "/run/x", Min: 1, Max: 9}),
	},
	"redis": {
		true, "address: 'localhost:6379', username: u, password_env: CHECK_SECRET, database: 1, tls: true, tls_config: {}, max_lag: 10s, min_replicas: 2",
		&redisCheck{
			Redis:       checks.Redis{Address: "localhost:6379", Username: "u", Database: 1, MaxLag: 10 * time.Second, MinReplicas: 2},
			PasswordEnv: "CHECK_SECRET", UseTLS: true, TLSConfig: &config.TLSConfig{},
		},
	},
	"runtime": {
		false, "max_goroutines: 1000, max_heap: 100000000, max_pause: 10ms, min_files: 5%",
		plainOf(checks.Runtime{MaxGoroutines: 1000, MaxHeap: 100_000_000, MaxPause: 10 * time.Millisecond, MinFiles: checks.Percent(5)}),
	},
	"sql": {
		true, "driver: sqlite, dsn_env: CHECK_SECRET, query: SELECT 1",
		&sqlCheck{database{Driver: "sqlite", DSNEnv: "CHECK_SECRET"}, checks.SQL{Query: "SELECT 1"}},
	},
}

func plainOf[T runner](options T) checkKind { return &plain[T]{options} }

// TestEveryKindOfCheck: each kind can be written with all its keys, each of which ends
// where it should, and opened.
func TestEveryKindOfCheck(t *testing.T) {
	t.Setenv("CHECK_SECRET", "x")
	t.Setenv("CHECK_DSN", "u:p@tcp(127.0.0.1:1)/d")
	for name, of := range checkKinds {
		kind, ok := everyKind[name]
		if !ok {
			t.Errorf("no test of kind %s", name)
			continue
		}
		c := parsed(t, "checks: [{name: first, kind: clock}, {name: x, kind: "+name+", "+kind.text+"}]")
		if c.Checks[1].Remote != kind.remote {
			t.Errorf("%s: remote is %t", name, c.Checks[1].Remote)
		}
		got := of.fresh()
		if err := decodeInto("{"+kind.text+"}", got); err != nil || !reflect.DeepEqual(got, kind.want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", name, err, got, kind.want)
		}
		opened, err := c.Checks[1].Open(func(context.Context, string) (*health.Status, bool) { return nil, false })
		if err != nil || opened.Run == nil {
			t.Errorf("%s: %v", name, err)
		}
		if (opened.Heartbeat != nil) != (name == "heartbeat") {
			t.Errorf("%s: heartbeat %v", name, opened.Heartbeat)
		}
		if opened.Close != nil {
			if err := opened.Close(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestTLSOfChecks(t *testing.T) {
	for _, test := range []struct {
		on      bool
		options *config.TLSConfig
		want    *tls.Config
	}{
		{false, nil, nil},
		{true, nil, &tls.Config{}},
		{false, &config.TLSConfig{ServerName: "a"}, &tls.Config{ServerName: "a"}},
	} {
		got, err := tlsOf(test.on, test.options)
		if err != nil || (got == nil) != (test.want == nil) || got != nil && got.ServerName != test.want.ServerName {
			t.Errorf("%t, %v: %v, %v", test.on, test.options, got, err)
		}
	}
}

// decodeInto decodes the keys of a kind alone.
func decodeInto(text string, into checkKind) error {
	faults := &strictyaml.Faults{}
	root, _ := strictyaml.Parse([]byte(text), faults)
	newDecoder(faults).Decode(root, "", into)
	return faults.Err()
}
