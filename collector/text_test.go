package collector

import (
	"maps"
	"testing"
)

// TestBatches: whatever the number of targets, each has its series, as the registry
// gives them.
func TestBatches(t *testing.T) {
	for _, n := range []int{1, batch - 1, batch, batch + 1, 2 * batch, 5*batch + 3} {
		list := fleet(n)
		for i, s := range list {
			s.Failures[i%len(s.Failures)] = uint32(i)
			s.Probed = i%3 != 0
		}
		if got, want := parse(t, get(t, NewPage(list, nil, nil), "")), gathered(t, NewTargets(list)); !maps.Equal(got, want) {
			t.Errorf("%d targets: %d series, want %d", n, len(got), len(want))
		}
	}
}
