package collector

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

func TestObserved(t *testing.T) {
	var out series
	observed(&out, &schedule.Status{Report: &health.Report{Checks: map[string][]health.Measurement{
		"b:c:d": {{ObservedValue: json.Number("7"), ComponentID: "\xff"}},
		"a:":    {{ObservedValue: 2}, {ObservedValue: int64(3)}}, // alike but for the value
		"a":     {{ObservedValue: 1.0}},                          // the same series as "a:"
		"none":  {{ObservedValue: json.Number("1e999")}, {ObservedValue: "1"}, {ObservedValue: true}, {}, {ObservedValue: []any{1.0}}},
	}}})
	var got []string
	for i, v := range out.numbers {
		got = append(got, fmt.Sprintf("%q %s", out.values[4*i:4*i+4], v.appendTo(nil)))
	}
	want := []string{`["a" "" "" ""] 1`, `["b" "c:d" "�" ""] 7`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestObservedIsCapped(t *testing.T) {
	report := &health.Report{Checks: map[string][]health.Measurement{}}
	for i := range 80 {
		report.Checks[fmt.Sprintf("c%02d", i)] = []health.Measurement{{ObservedValue: math.Inf(1)}}
	}
	for range 10 { // the order of a map is another each time
		var out series
		observed(&out, &schedule.Status{Report: report})
		if len(out.numbers) != maxObserved || out.values[0] != "c00" || out.values[4*(maxObserved-1)] != "c49" {
			t.Fatalf("%d series, first %q, last %q", len(out.numbers), out.values[0], out.values[len(out.values)-4])
		}
	}
}
