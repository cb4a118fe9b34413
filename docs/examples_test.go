package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/internal/config"
)

func TestExampleConfigurationLoads(t *testing.T) {
	cfg, err := config.Load("../health_exporter.yml.example")
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Targets) == 0 || len(cfg.Options) == 0 || len(cfg.Registration.AllowedEmails) == 0 {
		t.Errorf("the example shows too little: %+v", cfg)
	}
}

// TestEveryMetricNamedExists looks for metrics that documents, rules and
// dashboards name and the collector does not have.
func TestEveryMetricNamedExists(t *testing.T) {
	known := collector.Names()
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
