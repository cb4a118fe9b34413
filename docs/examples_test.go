package docs_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/prober"
)

const exampleFile = "../health_exporter.yml.example"

// TestExampleConfigurationLoads compares all that the example makes.
func TestExampleConfigurationLoads(t *testing.T) {
	cfg, err := config.Load(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []struct {
		name      string
		got, want any
	}{
		{"options", cfg.Options, map[string]string{"web.listen-address": ":10115", "storage.path": "data/", "log.level": "info"}},
		{"modules", ownModules(cfg), []string{"api: http"}},
		{"targets", cfg.Targets, []prober.Target{
			{
				App: "media centre", URL: "http://10.0.0.7:8096", Email: "me@example.org", Interval: 30 * time.Second, Timeout: 5 * time.Second,
				Unhealthy: 2, Healthy: 10, Group: "home", Labels: map[string]string{"room": "attic"}, Source: "config", MailAllowed: true,
			},
			{
				App: "public api", URL: "https://api.example.org/ping", Module: "api", Interval: 30 * time.Second, Timeout: 5 * time.Second,
				Unhealthy: 2, Healthy: 2, Source: "config", MailAllowed: true,
			},
		}},
		{"discovery", jobs(cfg), []string{"lan: file_sd, at most 500 of module http_2xx in group lan, each 1m0s; relabelled by 1 rule"}},
		{"mdns", []any{cfg.Discovery.MDNS.Services, cfg.Discovery.MDNS.Group}, []any{[]string{"_health-check._tcp"}, "found"}},
		{"public", cfg.Public, &config.Public{Title: "Status of example.org", Groups: []string{"home"}}},
		{"checks", ownChecks(cfg), []string{"disk: disk", "memory: memory", "last backup: file", "nightly job: heartbeat"}},
		{"alerting", cfg.Alerting.Email, (*config.Email)(nil)},
		{"maintenance", windows(cfg), []string{"backups: [media centre] on [Sunday] from 2h0m0s to 4h0m0s"}},
		{"registration", printed(cfg.Registration), "{Enabled:true Tokens:[] Networks:[127.0.0.0/8 ::1/128 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7] " +
			"AllowedEmails:[me@example.org @example.net] MaxTargets:10000 MaxTargetsPerOwner:10000 MaxTargetsPerAddress:1000 Rate:10 Burst:100}"},
		{"access", cfg.Access, config.Access{Read: "open", Debug: "local", LocalTrust: true}},
		{"network", cfg.Network, &prober.NetworkPolicy{}},
		{"environment", []any{cfg.Environment.Enabled, cfg.Environment.ShowValues}, []any{false, []string(nil)}},
	} {
		if diff := cmp.Diff(part.want, part.got, cmpopts.EquateEmpty(), cmp.AllowUnexported(prober.NetworkPolicy{})); diff != "" {
			t.Errorf("%s:\n%s", part.name, diff)
		}
	}
}

func printed(value any) string { return fmt.Sprintf("%+v", value) }

// ownModules are the modules that are not built in.
func ownModules(cfg *config.Config) (list []string) {
	builtin := config.Default().Modules
	for _, name := range slices.Sorted(maps.Keys(cfg.Modules)) {
		if builtin[name] == nil {
			list = append(list, name+": "+string(cfg.Modules[name].Kind()))
		}
	}
	return list
}

func jobs(cfg *config.Config) (list []string) {
	for _, j := range cfg.Discovery.Jobs {
		var mechanisms []string
		for _, m := range j.Mechanisms {
			mechanisms = append(mechanisms, m.Name)
		}
		list = append(list, fmt.Sprintf("%s: %s, at most %d of module %s in group %s, each %v; relabelled by %d rule",
			j.Name, strings.Join(mechanisms, " "), j.MaxTargets, j.Defaults.Module, j.Defaults.Group, j.Defaults.Interval, len(j.Relabel)))
	}
	return list
}

func ownChecks(cfg *config.Config) (list []string) {
	for _, c := range cfg.Checks {
		list = append(list, c.Name+": "+c.Kind)
	}
	return list
}

func windows(cfg *config.Config) (list []string) {
	for _, m := range cfg.Maintenance {
		list = append(list, fmt.Sprintf("%s: %v on %v from %v to %v", m.Name, m.Targets, m.Days, m.From, m.To))
	}
	return list
}

// commentedKey is a line of the example that becomes a setting without its sign.
var commentedKey = regexp.MustCompile(`(?m)^( *)# ( *- .*| +[a-z_]+:.*|(?:alerting|tokens|token_file|sections|show_values):.*)$`)

// TestCommentedExampleLoads takes the signs of comments from what is a setting, since
// that is what a reader does.
func TestCommentedExampleLoads(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"nas.token", "environment.token", "mail.password", "dsn"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("0123456789abcdef0123456789abcdef"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	uncommented := commentedKey.ReplaceAllString(string(text), "$1$2")
	cfg, err := config.Load(saved(t, "health_exporter.yml", strings.NewReplacer("/etc/health_exporter", dir, "/run/secrets", dir).Replace(uncommented)))
	if err != nil {
		t.Fatalf("%v\n%s", err, uncommented)
	}
	if cfg.Alerting.Email == nil || !cfg.Alerting.Email.HasPassword() || cfg.Alerting.Email.Host != "smtp.example.org" {
		t.Errorf("mail: %+v", cfg.Alerting.Email)
	}
	if len(cfg.Discovery.Jobs) != 3 || len(cfg.Checks) != 5 || !cfg.Registration.Has("nas", "write") {
		t.Errorf("%d jobs, %d checks, registration %+v", len(cfg.Discovery.Jobs), len(cfg.Checks), cfg.Registration)
	}
	if diff := cmp.Diff([]string{"APP_*"}, cfg.Environment.ShowValues); diff != "" {
		t.Error(diff)
	}
}

// TestEveryMetricNamedExists looks for metrics that documents, rules and
// dashboards name and the collector does not have.
func TestEveryMetricNamedExists(t *testing.T) {
	known := slices.Concat(collector.Names(), selfmetrics.Names())
	files, err := filepath.Glob("../alerting/*/*")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\bhealth_(?:target|targets|check|scheduler|storage|history|discovery|zeroconf|probe_duration|notifications|exporter|environment)_?[a-z0-9_]*`)
	found := 0
	for _, file := range append(files, "../README.md", "../prometheus.yml.example", "../alertmanager.yml.example") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range named.FindAllString(string(text), -1) {
			if strings.HasSuffix(name, "_") || isNoMetric(name) {
				continue // a prefix such as health_storage_*, or another word
			}
			found++
			base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
			if !slices.Contains(known, name) && !slices.Contains(known, base) {
				t.Errorf("%s names %s, which does not exist", file, name)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d names found: the test looks in the wrong place", found)
	}
}

// isNoMetric knows the words that look like metrics: the program, groups and
// recording rules.
func isNoMetric(name string) bool {
	return slices.Contains([]string{
		"health_exporter", "health_exporter_targets", "health_exporter_self", "health_exporter_password",
	}, name)
}
