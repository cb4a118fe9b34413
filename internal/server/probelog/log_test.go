package probelog

import (
	"slices"
	"testing"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// TestFailuresAreRememberedLonger: with a limit of 3, three failures outlive any
// number of good probes.
func TestFailuresAreRememberedLonger(t *testing.T) {
	l := Log{Limit: 3}
	outcome := func(o health.Outcome) { l.Add(&Record{Result: prober.Result{Outcome: o}}) }
	for range 5 {
		outcome(health.Fail)
	}
	for range 10 {
		outcome(health.Pass)
	}
	var ids []uint64
	for _, p := range l.List() {
		ids = append(ids, p.ID)
	}
	if want := []uint64{14, 13, 12, 4, 3, 2}; !slices.Equal(ids, want) {
		t.Errorf("remembered %v, want %v", ids, want)
	}
	none := Log{}
	none.Add(&Record{})
	if len(none.List()) != 0 {
		t.Error("a limit of 0 remembers something")
	}
}
