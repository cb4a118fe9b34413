package app

import (
	"context"
	"runtime/debug"
	"testing"
)

// A large heap may grow less than a small one, in proportion, but never by less in bytes.
func TestLargeHeapsAreCollectedSooner(t *testing.T) {
	before, room := 101, uint64(0)
	for live := uint64(1 << 20); live < 8<<30; live *= 2 {
		percent := gcPercent(live)
		if percent > before || percent < 25 || percent > 100 {
			t.Errorf("%d MB: %d %% after %d %%", live>>20, percent, before)
		}
		if now := live * uint64(percent) / 100; now < room*9/10 { // whole numbers of percent
			t.Errorf("%d MB: may grow by %d bytes, half of it by %d", live>>20, now, room)
		} else {
			room = now
		}
		before = percent
	}
	if goal := 250 + 250*gcPercent(250<<20)/100; goal > 340 {
		t.Errorf("250 MB may become %d", goal)
	}
}

// What was set before is set again at the end, and what the environment says stays.
func TestMemoryIsLeftAsItWas(t *testing.T) {
	percent := func() int {
		now := debug.SetGCPercent(100)
		debug.SetGCPercent(now)
		return now
	}
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	ended, end := context.WithCancel(t.Context())
	end()
	tendMemory(ended)
	if got := percent(); got != 77 {
		t.Errorf("afterwards %d %%", got)
	}
	t.Setenv("GOGC", "77")
	tendMemory(t.Context()) // it returns at once
	if got := percent(); got != 77 {
		t.Errorf("with GOGC %d %%", got)
	}
}
