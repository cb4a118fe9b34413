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
)

const (
	rulesFile     = "rules/health_exporter.rules.yml"
	ruleTestsFile = "rules/health_exporter.rules.test.yml"
	templateFile  = "templates/health.tmpl"
)

// program finds a program in PATH under one of its names. Without it the test is
// skipped; it fails instead where everything has to be there.
func program(t *testing.T, debianPackage string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	reason := strings.Join(names, " or ") + " is not in PATH: e2e/setup.sh installs the Debian package " + debianPackage
	if os.Getenv("E2E_REQUIRE") == "all" {
		t.Fatal(reason)
	}
	t.Skip(reason)
	return ""
}

func promtool(t *testing.T) string { return program(t, "prometheus", "promtool") }
func amtool(t *testing.T) string   { return program(t, "prometheus-alertmanager", "amtool") }

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
	if _, err := alerting.Write(dir); err != nil {
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

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	want := map[string]string{}
	for _, name := range []string{rulesFile, ruleTestsFile, templateFile} {
		content, err := fs.ReadFile(alerting.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		want[name] = string(content)
	}
	// The second time it replaces what is there.
	for _, before := range []string{"", "changed by hand"} {
		if before != "" {
			if err := os.WriteFile(filepath.Join(dir, rulesFile), []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		paths, err := alerting.Write(dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, filesBelow(t, dir)); diff != "" {
			t.Errorf("files written (-want +got):\n%s", diff)
		}
		wantPaths := []string{filepath.Join(dir, ruleTestsFile), filepath.Join(dir, rulesFile), filepath.Join(dir, templateFile)}
		if diff := cmp.Diff(wantPaths, paths); diff != "" {
			t.Errorf("paths returned (-want +got):\n%s", diff)
		}
		info, err := os.Stat(filepath.Join(dir, rulesFile))
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("mode of the rules: %v, %v; Prometheus runs as another user and must read them", info.Mode(), err)
		}
	}
}

func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	// A directory where a file should be.
	if err := os.MkdirAll(filepath.Join(dir, rulesFile, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	paths, err := alerting.Write(dir)
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, ruleTestsFile)}, paths); diff != "" {
		t.Errorf("paths returned (-want +got):\n%s", diff)
	}
	left, err := filepath.Glob(filepath.Join(dir, "rules", ".health_exporter-*"))
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
	mustOutput(t, dir, tool, "check", "rules", "--lint=all", "--lint-fatal", rulesFile)
	out := mustOutput(t, dir, tool, "check", "config", "prometheus.yml")
	if !strings.Contains(out, "1 rule files found") && !strings.Contains(out, "rules found") {
		t.Errorf("promtool check config has not read the rules:\n%s", out)
	}
}

func TestRules(t *testing.T) {
	mustOutput(t, installed(t), promtool(t), "test", "rules", ruleTestsFile)
}

// TestRulesHoldTheSubjects pins the subjects of the mails, which are promised.
func TestRulesHoldTheSubjects(t *testing.T) {
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert       string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	decode(t, rulesFile, &file)
	got, groups := map[string]string{}, []string{}
	for _, group := range file.Groups {
		groups = append(groups, group.Name)
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				continue
			}
			got[rule.Alert] = rule.Annotations["summary"]
			if rule.Annotations["description"] == "" || rule.Labels["severity"] == "" {
				t.Errorf("%s: no description or no severity", rule.Alert)
			}
		}
	}
	want := map[string]string{
		"HealthTargetUnhealthy":            "{{ $labels.target }} is unhealthy",
		"HealthTargetDegraded":             "{{ $labels.target }} health is degraded",
		"HealthTargetUnknown":              "{{ $labels.target }} health is unknown",
		"HealthTargetFlapping":             "{{ $labels.target }} keeps changing its state",
		"HealthTargetRecovered":            "{{ $labels.target }} is back to healthy",
		"HealthTargetUnregistered":         "{{ $labels.target }} is no longer monitored",
		"HealthTargetCertificateExpiring":  "{{ $labels.target }} needs a new certificate",
		"HealthExporterDown":               "health_exporter {{ $labels.instance }} is down",
		"HealthExporterAbsent":             "Prometheus scrapes no health_exporter",
		"HealthExporterProbesStalled":      "health_exporter {{ $labels.instance }} has stopped probing",
		"HealthExporterConfigReloadFailed": "health_exporter {{ $labels.instance }} could not load its configuration",
		"HealthExporterStorageFailed":      "health_exporter {{ $labels.instance }} cannot use its storage",
		"HealthExporterStorageRecovered":   "health_exporter {{ $labels.instance }} has restored its storage",
		"Watchdog":                         "Alerting works",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts and summaries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"health_exporter_targets", "health_exporter_self"}, groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

var metricName = regexp.MustCompile(`\bhealth_[a-z_]+`)

// TestRulesNameMetricsThatExist compares the rules with what the exporter exposes:
// a rule about a metric that is not there never fires, and nobody notices.
func TestRulesNameMetricsThatExist(t *testing.T) {
	var file struct {
		Groups []struct{ Rules []struct{ Expr string } }
	}
	decode(t, rulesFile, &file)
	exposed, used := collector.Names(), map[string]bool{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			for _, name := range metricName.FindAllString(rule.Expr, -1) {
				used[name] = true
			}
		}
	}
	delete(used, "health_exporter") // the job
	if len(used) < 5 {
		t.Errorf("the rules use only %d metrics", len(used))
	}
	for name := range used {
		if !slices.Contains(exposed, name) {
			t.Errorf("the exporter has no metric %s", name)
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

// TestMutants shows that the unit tests of the rules are worth something: each part
// of the rules that looks as if one could leave it out is left out once, and the
// test that is there for it has to fail.
func TestMutants(t *testing.T) {
	tool := promtool(t)
	const latch = `unless on (job, instance) (up == 1)`
	const scraped = `and on (job, instance) last_over_time(up[1h])`
	mutants := []struct {
		name     string
		rule     string // the record or alert that is changed
		old, new string
		test     string // the number of the test that must fail
	}{
		{"no latch", "health:target_state:held", latch, "and vector(0)", "02"},
		{"latch ignores up", "health:target_state:held", latch, "", "03"},
		{"latch looks back instead", "health:target_state:held", "health:target_state:held\n" + strings.Repeat(" ", 12) + latch, "last_over_time(health:target_state:held[10m])\n" + strings.Repeat(" ", 12) + latch, "04"},
		{"latch never ends", "health:target_state:held", scraped, "", "02b"},
		{"address is not kept", "health:target_owner", latch, "and vector(0)", "04b"},
		{"address is kept for ever", "health:target_owner", latch, "", "03"},
		{"no topk", "health:target_owner", "topk by (job, instance, target) (1, health_target_info)", "health_target_info", "06"},
		{"no fallback without info", "health:target_state:held", "or on (job, instance, target)\n          (health_target_state == 1)", "", "05"},
		{"paused targets are held", "health:target_state:held", "(health_target_paused == 1)", "(health_target_paused == 2)", "07d"},
		{"flapping holds nothing back", "HealthTargetUnhealthy", "unless on (job, instance, target) health:target_flapping", "", "08"},
		{"flapping at any change", "health:target_flapping", ">= 6", ">= 2", "01"},
		{"unknown at once", "HealthTargetUnknown", "for: 6m", "for: 0m", "07"},
		{"unknown although probed", "HealthTargetUnknown", "< 360", "< 0", "07c"},
		{"unregistered while down", "HealthTargetUnregistered", "and on (job, instance) (up == 1)", "", "04c"},
		{"unregistered twice", "HealthTargetUnregistered", `alertname="HealthTargetUnregistered"`, `alertname="None"`, "04"},
		{"goodbye to any address", "health:target_gone", "max_over_time(timestamp(health:target_owner)[10m:])", "last_over_time(health:target_owner[10m])", "09"},
		{"recovered without bad news", "HealthTargetRecovered", "and on (job, instance, target) max_over_time(health:target_reported_bad[10m])", "", "01"},
		{"bad news are forgotten", "health:target_reported_bad", "and on (job, instance, target) health:target_owner", "and vector(0)", "07d"},
		{"bad news for ever", "health:target_reported_bad", `unless on (job, instance, target) health:target_state:held{state="healthy"}`, "", "01"},
		{"certificate of a paused target", "HealthTargetCertificateExpiring", "(health_target_paused == 1)", "(health_target_paused == 2)", "12"},
		{"certificate ends with an outage", "HealthTargetCertificateExpiring", "keep_firing_for: 1h", "", "12"},
		{"down at once", "HealthExporterDown", "for: 1m", "for: 0m", "02"},
		{"stalled when all are paused", "HealthExporterProbesStalled", "(health_target_paused == 1)", "(health_target_paused == 2)", "11c"},
		{"stalled at the longest interval", "HealthExporterProbesStalled", "for: 6m", "for: 0m", "11c"},
		{"never begun is not seen", "HealthExporterProbesStalled", "(health_target_state == 1)", "(health_target_state == 2)", "11b"},
		{"errors from the start", "HealthExporterStorageFailed", "health_storage_errors_total > 0 unless", "health_storage_errors_total < 0 unless", "14"},
	}
	rules, err := fs.ReadFile(alerting.Files(), rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			mutated := mutate(t, string(rules), m.rule, m.old, m.new)
			dir := t.TempDir()
			write(t, dir, "health_exporter.rules.yml", []byte(mutated))
			write(t, dir, "test.yml", oneRuleTest(t, m.test))
			mustOutput(t, dir, tool, "check", "rules", "health_exporter.rules.yml")
			if out, err := output(t, dir, tool, "test", "rules", "test.yml"); err == nil {
				t.Errorf("test %s passes all the same:\n%s", m.test, out)
			} else if !strings.Contains(out, "FAILED:") {
				t.Errorf("test %s fails for another reason:\n%s", m.test, out)
			}
		})
	}
}

var ruleStart = regexp.MustCompile(`(?m)^  - (?:record|alert): (\S+)$`)

// mutate replaces old by new within one rule.
func mutate(t *testing.T, rules, rule, old, replacement string) string {
	t.Helper()
	starts := ruleStart.FindAllStringSubmatchIndex(rules, -1)
	i := slices.IndexFunc(starts, func(m []int) bool { return rules[m[2]:m[3]] == rule })
	if i < 0 {
		t.Fatalf("no rule %s", rule)
	}
	begin, end := starts[i][1], len(rules)
	if i+1 < len(starts) {
		end = starts[i+1][0]
	}
	body := rules[begin:end]
	if !strings.Contains(body, old) {
		t.Fatalf("rule %s does not contain %q", rule, old)
	}
	return rules[:begin] + strings.ReplaceAll(body, old, replacement) + rules[end:]
}

// oneRuleTest returns the file of unit tests with a single one, by its number.
func oneRuleTest(t *testing.T, number string) []byte {
	t.Helper()
	var file map[string]any
	decode(t, ruleTestsFile, &file)
	all, _ := file["tests"].([]any)
	for _, test := range all {
		fields, _ := test.(map[string]any)
		if name, _ := fields["name"].(string); strings.HasPrefix(name, number+" ") {
			file["tests"] = []any{test}
			content, err := yaml.Marshal(file)
			if err != nil {
				t.Fatal(err)
			}
			return content
		}
	}
	t.Fatalf("no test %s", number)
	return nil
}

func write(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}
