package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// memoryTick is how often it is looked how much memory is in use.
	memoryTick = 30 * time.Second
	// smallHeap is what may be used twice before anybody asks why.
	smallHeap = 32 << 20
)

// tendMemory has the garbage of the start given back, and a large heap collected sooner
// than a small one, until ctx is done. What the environment says of it takes precedence.
//
// Go lets a heap grow to twice what is in use before it collects. That is cheap while it
// is small; with 100 000 targets it is hundreds of megabytes, for garbage that comes no
// faster than with a tenth of them that are probed ten times as often.
func tendMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	before := debug.SetGCPercent(-1)
	defer debug.SetGCPercent(before)
	debug.SetGCPercent(gcPercent(0))
	if liveHeap() > smallHeap {
		debug.FreeOSMemory()
	}
	tick := time.NewTicker(memoryTick)
	defer tick.Stop()
	for {
		debug.SetGCPercent(gcPercent(liveHeap()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// liveHeap is what was in use when garbage was last collected.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// gcPercent is by how much the heap may grow until it is collected: of what is small all
// of it, of what is more a quarter.
func gcPercent(live uint64) int {
	if live <= smallHeap {
		return 100
	}
	room := smallHeap + (live-smallHeap)/4
	return int(room * 100 / live)
}
