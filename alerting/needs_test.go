package alerting_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/alerting"
)

// TestNeeds compares what is read line by line with what a parser reads.
func TestNeeds(t *testing.T) {
	got := alerting.Needs()
	comment := regexp.MustCompile(`(?m)#.*$`)
	found := 0
	for _, file := range []string{targetRules, checkRules, sloRules} {
		for _, rules := range groupsOf(t, file) {
			for _, rule := range rules {
				by := "alert " + rule.Alert
				if rule.Record != "" {
					by = "recording rule " + rule.Record
				}
				for _, name := range metricName.FindAllString(comment.ReplaceAllString(rule.Expr, ""), -1) {
					found++
					if !slices.Contains(got[name], by) {
						t.Errorf("%s needs %s, of which it is only said that it is needed by %q", by, name, got[name])
					}
				}
			}
		}
	}
	for file, d := range dashboards(t) {
		for _, e := range d.expressions() {
			for _, name := range metricsOf(e.text) {
				found++
				if !slices.ContainsFunc(got[name], func(by string) bool { return strings.HasPrefix(by, "dashboard ") }) {
					t.Errorf("%s: %s needs %s, of which it is only said that it is needed by %q", file, e.where, name, got[name])
				}
			}
		}
	}
	if found < 200 {
		t.Errorf("only %d names found", found)
	}
	for _, name := range []string{"send_resolved", "annotations", "summary", "health_nothing"} {
		if by := got[name]; by != nil {
			t.Errorf("%s is needed by %q", name, by)
		}
	}
	if by := got["health_check_state"]; !slices.Contains(by, "recording rule health:check_last_bad") || !slices.IsSorted(by) {
		t.Errorf("health_check_state is needed by %q", by)
	}
}
