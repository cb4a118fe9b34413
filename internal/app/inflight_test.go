package app

import (
	"math"
	"testing"
)

func TestInFlightWithin(t *testing.T) {
	for _, test := range []struct {
		wanted int
		files  uint64
		want   int
	}{
		{0, 1024, 614},
		{-1, 1024, 614},
		{613, 1024, 613},
		{614, 1024, 614},
		{615, 1024, 614},
		{5000, 1024, 614},
		{0, 16_666, 9_999},
		{0, 16_667, 10_000},
		{0, 1 << 20, 10_000},
		{20_000, 1 << 20, 20_000},
		{0, math.MaxUint64, 10_000},
		{1 << 30, math.MaxUint64, 629_145}, // which is not a limit at all
		{0, 10, 6},
	} {
		if got := inFlightWithin(test.wanted, test.files); got != test.want {
			t.Errorf("%d wanted of %d files: %d, want %d", test.wanted, test.files, got, test.want)
		}
	}
	if got := maxInFlight(3); got != 3 {
		t.Errorf("3 wanted: %d", got)
	}
}
