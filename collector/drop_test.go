package collector

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// TestDrop: families of targets and checks are left out in every format, and no others.
func TestDrop(t *testing.T) {
	own := prometheus.NewGauge(prometheus.GaugeOpts{Name: "health_other", Help: "Something."})
	p := NewPage(fixed(), newRegistry(t, NewScheduledChecks(fixed()), own), nil)
	p.OfferProtobuf()
	formats := []string{"text/plain", "application/openmetrics-text;version=1.0.0", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"}
	dropped := []string{
		"health_target_up", "health_target_info", "health_target_probes_total", "health_check_latency_seconds", "health_targets", "health_target_observed_value", "health_other",
	}
	before := make([]string, len(formats))
	for i, accept := range formats {
		before[i] = get(t, p, accept)
	}
	p.Drop(func(family string) bool { return slices.Contains(dropped, family) })
	for _, accept := range formats {
		page := get(t, p, accept)
		for _, name := range dropped {
			if there := strings.Contains(page, name); there != (name == "health_other") {
				t.Errorf("%s: %s is there: %t", accept, name, there)
			}
		}
		for _, name := range []string{"health_check_up", "health_target_state", "health_checks"} {
			if !strings.Contains(page, name) {
				t.Errorf("%s: %s is missing", accept, name)
			}
		}
	}
	p.Drop(func(string) bool { return false })
	for i, accept := range formats {
		if page := get(t, p, accept); page != before[i] {
			t.Errorf("%s: with nothing left out the page differs:\n%s", accept, cmp.Diff(before[i], page))
		}
	}
	p.Drop(func(string) bool { return true })
	if page := get(t, p, formats[0]); strings.Contains(page, "health_target") || strings.Contains(page, "health_check") || !strings.Contains(page, "health_other 0") {
		t.Errorf("what is left:\n%s", page)
	}
	if names := TargetFamilies(); !slices.IsSorted(names) || len(names) != len(families)+len(checkFamilies()) {
		t.Errorf("%q", names)
	}
}
