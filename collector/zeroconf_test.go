package collector

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestZeroconf(t *testing.T) {
	got := gathered(t, fixedZeroconf())
	want := map[string]float64{
		`health_zeroconf_up{role="announce"}`:             1,
		`health_zeroconf_up{role="browse"}`:               1,
		`health_zeroconf_errors_total{role="announce"}`:   3,
		`health_zeroconf_errors_total{role="browse"}`:     4,
		`health_zeroconf_interfaces{}`:                    2,
		`health_zeroconf_self_visible{}`:                  0,
		`health_zeroconf_renamed_total{}`:                 1,
		`health_zeroconf_targets{type="_http._tcp"}`:      5,
		`health_zeroconf_events_total{event="added"}`:     6,
		`health_zeroconf_dropped_total{reason="network"}`: 7,
	}
	maps.DeleteFunc(got, func(line string, _ float64) bool { return strings.HasPrefix(line, "#") })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if off := gathered(t, NewZeroconf(func() ZeroconfStats { return ZeroconfStats{} })); len(off) > 0 {
		t.Errorf("switched off, there is %v", off)
	}
}
