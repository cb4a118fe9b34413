package alerting_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/alerting"
)

// mutant is the rules with one part of them changed.
type mutant struct {
	name     string
	rule     string // the record or alert that is changed
	old, new string
	test     string // the number of the test that must fail
}

// TestMutants shows that the unit tests of the rules are worth something: each part
// of the rules that looks as if one could leave it out is left out once, and the
// test that is there for it has to fail.
func TestMutants(t *testing.T) {
	t.Parallel()
	const latch = `unless on (job, instance) (up == 1)`
	const scraped = `and on (job, instance) last_over_time(up[1h])`
	catchAll(t, targetRules, targetRuleTests, []mutant{
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
		{"unknown between seldom probes", "HealthTargetUnknown", "<= 2 *", "<= 0 *", "07e"},
		{"unknown before a seldom probe", "HealthTargetUnknown", "< 2 *", "< 0 *", "07e"},
		{"unknown before the initial delay has passed", "HealthTargetUnknown", "> time()", "> 9 * time()", "07e"},
		{"unregistered while down", "HealthTargetUnregistered", "and on (job, instance) (up == 1)", "", "04c"},
		{"unregistered twice", "HealthTargetUnregistered", `alertname="HealthTargetUnregistered"`, `alertname="None"`, "04"},
		{"goodbye to any address", "health:target_gone", "max_over_time(timestamp(health:target_owner)[10m:])", "last_over_time(health:target_owner[10m])", "09"},
		{"recovered without bad news", "HealthTargetRecovered", "and on (job, instance, target) max_over_time(health:target_reported_bad[10m])", "", "01"},
		{"bad news are forgotten", "health:target_reported_bad", "and on (job, instance, target) health:target_owner", "and vector(0)", "07d"},
		{"bad news for ever", "health:target_reported_bad", `unless on (job, instance, target) health:target_state:held{state="healthy"}`, "", "01"},
		{"lost is not kept", "health:target_lost", latch, "and vector(0)", "15"},
		{"lost is kept for ever", "health:target_lost", latch, "", "15b"},
		{"lost although it is there", "HealthTargetGone", "unless on (job, instance, target) health:target_owner", "", "15c"},
		{"lost and unregistered", "health:target_gone", "max_over_time(timestamp(health:target_lost)[10m:])", "0 * max_over_time(timestamp(health:target_lost)[10m:])", "15b"},
		{"lost once, never unregistered", "health:target_gone", ">= max by (job, instance, target) (max_over_time(timestamp(health:target_owner)[10m:]))", ">= 0", "15c"},
		{"recovered from lost is not told", "health:target_reported_bad", "|Gone", "", "15"},
		{"certificate of a paused target", "HealthTargetCertificateExpiring", "(health_target_paused == 1)", "(health_target_paused == 2)", "12"},
		{"certificate ends with an outage", "HealthTargetCertificateExpiring", "keep_firing_for: 1h", "", "12"},
		{"down at once", "HealthExporterDown", "for: 1m", "for: 0m", "02"},
		{"stalled when all are paused", "HealthExporterProbesStalled", "(health_target_paused == 1)", "(health_target_paused == 2)", "11c"},
		{"stalled at the longest interval", "HealthExporterProbesStalled", "for: 6m", "for: 0m", "11c"},
		{"stalled between seldom probes", "HealthExporterProbesStalled", "<= 2 *", "<= 0 *", "11d"},
		{"stalled when all were resumed", "HealthExporterProbesStalled", "< 2 *", "< 0 *", "11d"},
		{"stalled before the initial delay has passed", "HealthExporterProbesStalled", "> time()", "> 9 * time()", "11d"},
		{"never begun is not seen", "HealthExporterProbesStalled", "(health_target_state == 1)", "(health_target_state == 2)", "11b"},
		{"errors from the start", "HealthExporterStorageFailed", "health_storage_errors_total > 0 unless", "health_storage_errors_total < 0 unless", "14"},
		{"discovery that fails once", "HealthExporterDiscoveryFailing", "for: 15m", "for: 0m", "16"},
		{"discovery that is tried again seldom", "HealthExporterDiscoveryFailing", "[15m]", "[2m]", "16"},
	})
}

// TestCheckMutants is TestMutants for the rules of checks.
func TestCheckMutants(t *testing.T) {
	t.Parallel()
	const held, each = "health:check_state:held", "on (job, instance, check) "
	catchAll(t, checkRules, checkRuleTests, []mutant{
		{"no latch", held, "unless on (job, instance) (up == 1)", "and vector(0)", "02"},
		{"latch ignores up", held, "unless on (job, instance) (up == 1)", "", "03"},
		{"latch never ends", held, "and on (job, instance) last_over_time(up[10m])", "", "02b"},
		{"forgotten by a new start", held, "and " + each + `(health_check_state{state="unknown"} == 1)` + "\n        )", "and vector(0)\n        )", "02"},
		{"unknown at once when it is new", held, "and " + each + `(health_check_state{state="unknown"} offset 6m)`, "", "05"},
		{"unknown at once when it was known", held, "and " + each + `(min_over_time(health_check_state{state="unknown"}[6m]) == 1)`, "", "04"},
		{"unknown although it runs", held, "< 3600", "< 600", "05b"},
		{"unknown between seldom runs", held, "last_probe_timestamp_seconds < 2 *", "last_probe_timestamp_seconds < 0 *", "05d"},
		{"unknown before a seldom run", held, "state_since_timestamp_seconds < 2 *", "state_since_timestamp_seconds < 0 *", "05d"},
		{"unknown before the initial delay has passed", held, "> time()", "> 9 * time()", "05d"},
		{"runs seldom, and not at all for an hour", held, "unless on (job, instance, check) health_check_interval_seconds", "", "05f"},
		{"unknown while it waits after another one was bad", held, "- health:check_last_bad", "- 0 * health:check_last_bad", "05e"},
		{"unknown is never told", held, "offset 6m", "offset 6d", "05"},
		{"unknown while another one is bad", held, `unless on (job, instance) (max_over_time(health_check_state{state=~"degraded|unhealthy"}[6m]) == 1)`, "", "08"},
		{"unknown as soon as the other one is good", held, `max_over_time(health_check_state{state=~"degraded|unhealthy"}[6m])`, `health_check_state{state=~"degraded|unhealthy"}`, "08"},
		{"excused by another program", held, "unless on (job, instance) (max_over_time", "unless on (job) (max_over_time", "08"},
		{"a new start counts as flapping", "health:check_flapping", "health:check_healthy", `health_check_state{state="healthy"}`, "04"},
		{"flapping at any change", "health:check_flapping", ">= 6", ">= 2", "01"},
		{"only what is healthy flaps", "health:check_healthy", "0 * max", "1 * max", "06"},
		{"unhealthy while flapping", "HealthCheckUnhealthy", "unless " + each + "health:check_flapping", "", "06"},
		{"degraded while flapping", "HealthCheckDegraded", "unless " + each + "health:check_flapping", "", "06"},
		{"unknown while flapping", "HealthCheckUnknown", "unless " + each + "health:check_flapping", "", "06"},
		{"recovered while flapping", "HealthCheckRecovered", "unless " + each + "health:check_flapping", "", "06"},
		{"recovered without bad news", "HealthCheckRecovered", `ALERTS{alertname=~"HealthCheck(Unhealthy|Degraded|Unknown|Flapping)", alertstate="firing"}`, held, "01"},
		{"recovered for another program", "HealthCheckRecovered", "and on (job, instance, check)", "and on (check)", "07"},
		{"recovered from unknown is not told", "HealthCheckRecovered", "|Unknown", "", "05"},
		{"recovered from flapping is not told", "HealthCheckRecovered", "|Flapping", "", "06"},
	})
}

// TestSLOMutants is TestMutants for the rules of objectives and budgets.
func TestSLOMutants(t *testing.T) {
	t.Parallel()
	const fast, slowly, each = "HealthBudgetBurnsFast", "HealthBudgetBurnsSlowly", "on (job, instance, target) "
	catchAll(t, sloRules, sloRuleTests, []mutant{
		{"unknown counts", "health:target_available", `(health_target_state{state="unknown"} == 1)`, `(health_target_state{state="unknown"} == 2)`, "02"},
		{"paused counts", "health:target_available", "(health_target_paused == 1)", "(health_target_paused == 2)", "02"},
		{"a longer moment", "health:target_availability:5m", "[5m]", "[50m]", "01"},
		{"a shorter hour", "health:target_availability:1h", "[1h]", "[5m]", "01"},
		{"no objectives of one's own", "health:slo_objective", "health:slo_objective:own", "(health:slo_objective:own == 2)", "04"},
		{"another objective", "health:slo_objective", "0.99 *", "0.9 *", "04"},
		{"pieces are averages", "health:target_available:sum5m", "sum_over_time", "avg_over_time", "03"},
		{"samples are not counted", "health:target_available:count5m", "count_over_time", "sum_over_time", "03"},
		{"longer hours", "health:target_availability:6h", "[6h]", "[1d]", "03"},
		{"a shorter day", "health:target_availability:1d", "[1d]", "[6h]", "03"},
		{"a shorter month", "health:target_availability:30d", "[30d]", "[1d]", "03"},
		{"a fixed budget", "health:slo_error_budget:remaining", "(1 - health:slo_objective)", "(0 * health:slo_objective + 0.001)", "03"},
		{"fast at any rate", fast, "health:slo_burn_rate:1h > 14.4", "health:slo_burn_rate:1h > 0", "07"},
		{"fast after its end", fast, "and " + each + "health:slo_burn_rate:5m > 14.4", "", "05"},
		{"fast though it is new", fast, "and " + each + "last_over_time(health:target_available[30m] offset 1h)", "", "06"},
		{"ends with a restart", fast, "keep_firing_for: 5m", "keep_firing_for: 0m", "05"},
		{"no window of a day", slowly, "health:slo_burn_rate:1d > 3", "health:slo_burn_rate:1d > 300", "08"},
		{"no window of six hours", slowly, "health:slo_burn_rate:6h > 6", "health:slo_burn_rate:6h > 600", "07"},
		{"slowly after its end", slowly, "and " + each + "health:slo_burn_rate:1h > 3", "", "07"},
		{"a day that was none", slowly, "and " + each + "last_over_time(health:target_available[4h] offset 1d)", "", "08"},
		{"six hours that were none", slowly, "and " + each + "last_over_time(health:target_available[1h] offset 6h)", "", "06"},
		{"fast and slowly at once", slowly, `ALERTS{alertname="HealthBudgetBurnsFast"`, `ALERTS{alertname="None"`, "05"},
		{"slowly after fast", slowly, "[2h]", "[5m]", "05"},
	})
}

// catchAll runs one unit test with each of the mutants; it has to fail.
func catchAll(t *testing.T, rulesFile, testsFile string, mutants []mutant) {
	t.Helper()
	tool := promtool(t)
	rules, err := fs.ReadFile(alerting.Files(), rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(rulesFile)
	dirs, check := make([]string, len(mutants)), []string{"check", "rules"}
	for i, m := range mutants {
		dirs[i] = t.TempDir()
		write(t, dirs[i], name, []byte(mutate(t, string(rules), m.rule, m.old, m.new)))
		write(t, dirs[i], "test.yml", oneRuleTest(t, testsFile, m.test))
		check = append(check, filepath.Join(dirs[i], name))
	}
	mustOutput(t, t.TempDir(), tool, check...) // a mutant that does not load proves nothing
	for i, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			if out, err := output(t, dirs[i], tool, "test", "rules", "test.yml"); err == nil {
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
func oneRuleTest(t *testing.T, file, number string) []byte {
	t.Helper()
	var content map[string]any
	decode(t, file, &content)
	all, _ := content["tests"].([]any)
	for _, test := range all {
		fields, _ := test.(map[string]any)
		if name, _ := fields["name"].(string); strings.HasPrefix(name, number+" ") {
			content["tests"] = []any{test}
			one, err := yaml.Marshal(content)
			if err != nil {
				t.Fatal(err)
			}
			return one
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
