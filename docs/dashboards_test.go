package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// TestObjectivesOfTheDocument has promtool evaluate the example of dashboards.md
// together with the shipped rules.
func TestObjectivesOfTheDocument(t *testing.T) {
	promtool := testneed.Program(t, "prometheus", "promtool")
	dir := t.TempDir()
	if _, err := durable.WriteTree(dir, alerting.Files()); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"own.yml": codeBlocks(t, "dashboards.md", "yaml")[0],
		"test.yml": `
rule_files: [rules/health_slo.rules.yml, own.yml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - {series: 'health_target_state{job="j",instance="i",target="checkout",state="healthy"}', values: '1x5'}
  - {series: 'health_target_state{job="j",instance="i",target="nas",state="healthy"}', values: '1x5'}
  - {series: 'health_target_state{job="j",instance="i",target="bare",state="healthy"}', values: '1x5'}
  - {series: 'health_target_info{job="j",instance="i",target="checkout",group="shop"}', values: '1x5'}
  - {series: 'health_target_info{job="j",instance="i",target="nas"}', values: '1x5'}
  promql_expr_test:
  - expr: health:slo_objective
    eval_time: 4m
    exp_samples:
    - {labels: 'health:slo_objective{job="j",instance="i",target="checkout"}', value: 0.999}
    - {labels: 'health:slo_objective{job="j",instance="i",target="nas"}', value: 0.995}
    - {labels: 'health:slo_objective{job="j",instance="i",target="bare"}', value: 0.99}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"check", "rules", "own.yml"}, {"test", "rules", "test.yml"}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %q: %v\n%s", args, err, out)
		}
	}
}

// TestDashboardsDocument: the series and files that it names are there.
func TestDashboardsDocument(t *testing.T) {
	page, err := os.ReadFile("dashboards.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := durable.WriteTree(dir, alerting.Files()); err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(filepath.Join(dir, "rules", "health_slo.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	records := regexp.MustCompile(`(?m)^  - (?:record|alert): (\S+)$`).FindAllStringSubmatch(string(rules), -1)
	perTarget := 0
	for _, record := range records {
		name := record[1]
		last := name[strings.LastIndex(name, ":")+1:]
		if strings.HasPrefix(name, "health:") {
			perTarget++
		}
		if strings.HasPrefix(name, "health:target_available:") {
			continue // pieces, of use to other rules only
		}
		if !strings.Contains(string(page), "`"+name+"`") && !strings.Contains(string(page), "`:"+last+"`") {
			t.Errorf("the document does not name %s", name)
		}
	}
	if perTarget != 14 {
		t.Errorf("the rules record %d series for each target, the document says fourteen", perTarget)
	}
	links := regexp.MustCompile(`\]\(\.\./([^)]+)\)`).FindAllStringSubmatch(string(page), -1)
	if len(links) < 2 {
		t.Errorf("only %d links", len(links))
	}
	for _, link := range links {
		if _, err := os.Stat(filepath.Join(root, link[1])); err != nil {
			t.Error(err)
		}
	}
}
