package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMetrics(t *testing.T) {
	const text = `
metrics:
  drop:
    - health_target_up
    - "health_target_consecutive_*"
    - health_target_latency_second
    - "health_check_*"
    - health_check_up
`
	c, err := parse("c.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	families := map[string][]string{
		"health_target_up": {"alert A", "alert B", "dashboard C", "dashboard D", "recording rule e:f", "recording rule g:h", "x"}, "health_target_consecutive_failures": nil,
		"health_target_consecutive_successes": {"alert A"}, "health_target_latency_seconds": {"alert A"}, "health_target_info": {"alert A"},
	}
	for family, want := range map[string]bool{
		"health_target_up": true, "health_target_consecutive_failures": true, "health_target_info": false, "health_target_latency_seconds": false, "health_check_state": true,
	} {
		if c.Metrics.Drops(family) != want {
			t.Errorf("drops %s: %t", family, !want)
		}
	}
	var got strings.Builder
	for _, w := range c.Warnings(Known{Families: families}) {
		got.WriteString(w.String() + "\n")
	}
	want := strings.Join([]string{
		"line 4: metrics.drop[0]: leaves out health_target_up, without which these do not work: alert A, alert B, dashboard C, dashboard D, recording rule e:f and 2 more",
		"line 5: metrics.drop[1]: leaves out health_target_consecutive_successes, without which these do not work: alert A",
		`line 6: metrics.drop[2]: no family of targets or checks has the name "health_target_latency_second"; did you mean "health_target_latency_seconds"?`,
		`line 7: metrics.drop[3]: no family of targets or checks fits "health_check_*"`,
		`line 8: metrics.drop[4]: no family of targets or checks has the name "health_check_up"; did you mean "health_target_up"?`,
	}, "\n") + "\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
	if list := c.Warnings(Known{}); len(list) > 0 {
		t.Errorf("nobody knows what there is: %v", list)
	}
	if shown := c.Text(); !strings.Contains(shown, "metrics:\n    drop: [health_target_up, health_target_consecutive_*,") {
		t.Errorf("it is not shown:\n%s", shown)
	}
	if shown := Default().Text(); strings.Contains(shown, "\nmetrics:") {
		t.Errorf("there is nothing to show:\n%s", shown)
	}
	_, err = parse("c.yml", []byte("metrics: {drop: [{a: b}, '', [x]], keep: [a]}"))
	if err == nil || strings.Count(err.Error(), "metrics.drop[") != 3 || !strings.Contains(err.Error(), "keep") {
		t.Errorf("%v", err)
	}
}
