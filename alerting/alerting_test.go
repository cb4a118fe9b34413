package alerting_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

const (
	targetRules     = "rules/health_exporter.rules.yml"
	targetRuleTests = "rules/health_exporter.rules.test.yml"
	checkRules      = "rules/health_checks.rules.yml"
	checkRuleTests  = "rules/health_checks.rules.test.yml"
	sloRules        = "rules/health_slo.rules.yml"
	sloRuleTests    = "rules/health_slo.rules.test.yml"
	templateFile    = "templates/health.tmpl"
)

func promtool(t *testing.T) string { return testneed.Program(t, "prometheus", "promtool") }
func amtool(t *testing.T) string   { return testneed.Program(t, "prometheus-alertmanager", "amtool") }

// output runs a program and returns what it printed.
func output(t *testing.T, dir, path string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustOutput is output that fails the test if the program fails.
func mustOutput(t *testing.T, dir, path string, args ...string) string {
	t.Helper()
	out, err := output(t, dir, path, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(path), strings.Join(args, " "), err, out)
	}
	return out
}

// installed returns a directory as a user has it: the shipped files, and the
// examples under the names that are used.
func installed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := durable.WriteTree(dir, alerting.Files()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"prometheus.yml", "alertmanager.yml"} {
		content, err := os.ReadFile(filepath.Join("..", name+".example"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shipped are all files, in the order in which they are written.
var shipped = []string{
	"dashboards/exporter.json", "dashboards/overview.json", "dashboards/target.json",
	checkRuleTests, checkRules, targetRuleTests, targetRules, sloRuleTests, sloRules, templateFile,
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	want := map[string]string{}
	for _, name := range shipped {
		content, err := fs.ReadFile(alerting.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		want[name] = string(content)
	}
	// The second time it replaces what is there.
	for _, before := range []string{"", "changed by hand"} {
		if before != "" {
			if err := os.WriteFile(filepath.Join(dir, targetRules), []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		paths, err := durable.WriteTree(dir, alerting.Files())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, filesBelow(t, dir)); diff != "" {
			t.Errorf("files written (-want +got):\n%s", diff)
		}
		var wantPaths []string
		for _, name := range shipped {
			wantPaths = append(wantPaths, filepath.Join(dir, name))
		}
		if diff := cmp.Diff(wantPaths, paths); diff != "" {
			t.Errorf("paths returned (-want +got):\n%s", diff)
		}
		info, err := os.Stat(filepath.Join(dir, targetRules))
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("mode of the rules: %v, %v; Prometheus runs as another user and must read them", info.Mode(), err)
		}
	}
}

func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	// A directory where a file should be.
	if err := os.MkdirAll(filepath.Join(dir, checkRules, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	paths, err := durable.WriteTree(dir, alerting.Files())
	if err == nil {
		t.Fatal("no error")
	}
	var want []string
	for _, name := range shipped[:slices.Index(shipped, checkRules)] {
		want = append(want, filepath.Join(dir, name))
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("paths returned (-want +got):\n%s", diff)
	}
	left, err := filepath.Glob(filepath.Join(dir, "rules", ".*.new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %q, %v", left, err)
	}
}

func filesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestPrometheusAcceptsExampleAndRules(t *testing.T) {
	tool, dir := promtool(t), installed(t)
	mustOutput(t, dir, tool, "check", "rules", "--lint=all", "--lint-fatal", targetRules, checkRules, sloRules)
	out := mustOutput(t, dir, tool, "check", "config", "prometheus.yml")
	if !strings.Contains(out, "3 rule files found") {
		t.Errorf("promtool check config has not read the rules:\n%s", out)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	tool, dir := promtool(t), installed(t)
	for _, file := range []string{targetRuleTests, checkRuleTests, sloRuleTests} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			mustOutput(t, dir, tool, "test", "rules", file)
		})
	}
}

// rule is one of a file of rules: it alerts, or records.
type rule struct {
	Alert, Record, Expr string
	Labels, Annotations map[string]string
}

// groupsOf reads the rules of a file by their group.
func groupsOf(t *testing.T, file string) map[string][]rule {
	t.Helper()
	var content struct {
		Groups []struct {
			Name  string
			Rules []rule
		}
	}
	decode(t, file, &content)
	groups := map[string][]rule{}
	for _, group := range content.Groups {
		groups[group.Name] = group.Rules
	}
	return groups
}

// TestRulesHoldTheSubjects pins the subjects of the mails, which are promised.
func TestRulesHoldTheSubjects(t *testing.T) {
	got := map[string]map[string]string{}
	for _, file := range []string{targetRules, checkRules, sloRules} {
		for group, rules := range groupsOf(t, file) {
			for _, rule := range rules {
				if rule.Alert == "" {
					continue
				}
				if got[group] == nil {
					got[group] = map[string]string{}
				}
				got[group][rule.Alert] = rule.Annotations["summary"]
				if rule.Annotations["description"] == "" || rule.Labels["severity"] == "" {
					t.Errorf("%s: no description or no severity", rule.Alert)
				}
			}
		}
	}
	want := map[string]map[string]string{
		"health_exporter_targets": {
			"HealthTargetUnhealthy":           "{{ $labels.target }} is unhealthy",
			"HealthTargetDegraded":            "{{ $labels.target }} health is degraded",
			"HealthTargetUnknown":             "{{ $labels.target }} health is unknown",
			"HealthTargetFlapping":            "{{ $labels.target }} keeps changing its state",
			"HealthTargetRecovered":           "{{ $labels.target }} is back to healthy",
			"HealthTargetUnregistered":        "{{ $labels.target }} is no longer monitored",
			"HealthTargetGone":                "{{ $labels.target }} is gone",
			"HealthTargetCertificateExpiring": "{{ $labels.target }} needs a new certificate",
		},
		"health_exporter_self": {
			"HealthExporterDown":               "health_exporter {{ $labels.instance }} is down",
			"HealthExporterAbsent":             "Prometheus scrapes no health_exporter",
			"HealthExporterProbesStalled":      "health_exporter {{ $labels.instance }} has stopped probing",
			"HealthExporterConfigReloadFailed": "health_exporter {{ $labels.instance }} could not load its configuration",
			"HealthExporterDiscoveryFailing":   "health_exporter {{ $labels.instance }} cannot discover targets: {{ $labels.config }}",
			"HealthExporterStorageFailed":      "health_exporter {{ $labels.instance }} cannot use its storage",
			"HealthExporterStorageRecovered":   "health_exporter {{ $labels.instance }} has restored its storage",
			"Watchdog":                         "Alerting works",
		},
		"health_checks": {
			"HealthCheckUnhealthy": "check {{ $labels.check }} is unhealthy",
			"HealthCheckDegraded":  "check {{ $labels.check }} health is degraded",
			"HealthCheckUnknown":   "check {{ $labels.check }} health is unknown",
			"HealthCheckFlapping":  "check {{ $labels.check }} keeps changing its state",
			"HealthCheckRecovered": "check {{ $labels.check }} is back to healthy",
		},
		"health_slo": {
			"HealthBudgetBurnsFast":   "{{ $labels.target }} is using up its error budget fast",
			"HealthBudgetBurnsSlowly": "{{ $labels.target }} is using up its error budget",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts and summaries (-want +got):\n%s", diff)
	}
}

var metricName = regexp.MustCompile(`\bhealth_[a-z_]+`)

// TestRulesNameMetricsThatExist compares the rules with what the exporter exposes:
// a rule about a metric that is not there never fires, and nobody notices.
func TestRulesNameMetricsThatExist(t *testing.T) {
	exposed := slices.Concat(collector.Names(), selfmetrics.Names())
	for file, least := range map[string]int{targetRules: 8, checkRules: 2, sloRules: 3} {
		used := map[string]bool{}
		for _, rules := range groupsOf(t, file) {
			for _, rule := range rules {
				for _, name := range metricName.FindAllString(rule.Expr, -1) {
					used[name] = true
				}
			}
		}
		delete(used, "health_exporter") // the job
		if len(used) < least {
			t.Errorf("the rules of %s use only %d metrics", file, len(used))
		}
		for name := range used {
			if !slices.Contains(exposed, name) {
				t.Errorf("the exporter has no metric %s", name)
			}
		}
	}
}

func decode(t *testing.T, name string, into any) {
	t.Helper()
	content, err := fs.ReadFile(alerting.Files(), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
