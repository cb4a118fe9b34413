package checks

import (
	"context"
	"errors"
	"fmt"
	"runtime/metrics"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Runtime fails if this process uses too much: too many goroutines, too large a
// heap, too long pauses for the garbage collector, too many open files. With no
// limit set it measures, and fails only when files run out.
type Runtime struct {
	// MaxGoroutines is the most goroutines there may be; 0 means no limit.
	MaxGoroutines int `yaml:"max_goroutines"`
	// MaxHeap is the most bytes the objects on the heap may take; 0 means no limit.
	MaxHeap uint64 `yaml:"max_heap"`
	// MaxPause is the longest the garbage collector may have stopped the program, in 99
	// of 100 pauses since it began; 0 means no limit.
	MaxPause time.Duration `yaml:"max_pause"`
	// MinFiles is how many more files it must be possible to open; default 5 % of the
	// limit. It counts where the system tells (Linux).
	MinFiles Amount `yaml:"min_files"`
}

// Check reports what is wrong with the options.
func (r Runtime) Check() error {
	return errors.Join(
		require(r.MaxGoroutines >= 0, "MaxGoroutines", r.MaxGoroutines, "0 for no limit, or more"),
		require(r.MaxPause >= 0, "MaxPause", r.MaxPause, "0 for no limit, or more"),
		r.MinFiles.fault("MinFiles"))
}

// Run reads the figures once.
func (r Runtime) Run(ctx context.Context) error {
	if err := r.Check(); err != nil {
		return err
	}
	samples := []metrics.Sample{
		{Name: "/sched/goroutines:goroutines"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/sched/pauses/total/gc:seconds"},
	}
	metrics.Read(samples)
	goroutines, heap := samples[0].Value.Uint64(), samples[1].Value.Uint64()
	pause := quantile(samples[2].Value.Float64Histogram(), 0.99)
	files, limit, countFiles := openFiles()
	health.Observe(ctx, "goroutines", goroutines, "goroutines")
	health.Observe(ctx, "heap", heap, "bytes")
	health.Observe(ctx, "pause", pause.Seconds(), "seconds")
	if countFiles {
		health.Observe(ctx, "openFiles", files, "files")
	}
	switch {
	case r.MaxGoroutines > 0 && goroutines > uint64(r.MaxGoroutines):
		return fmt.Errorf("%d goroutines, more than %d", goroutines, r.MaxGoroutines)
	case r.MaxHeap > 0 && heap > r.MaxHeap:
		return fmt.Errorf("%s on the heap, more than %s", size(heap), size(r.MaxHeap))
	case r.MaxPause > 0 && pause > r.MaxPause:
		return fmt.Errorf("garbage collection pauses for %s, more than %s", pause, r.MaxPause)
	case countFiles && r.MinFiles.or(Percent(5)).undercut(limit-min(limit, files), limit):
		return fmt.Errorf("%d of %d files open", files, limit)
	}
	health.Say(ctx, fmt.Sprintf("%d goroutines, %s on the heap", goroutines, size(heap)))
	return nil
}

// quantile is the upper edge of the bucket that has the quantile, or the lower edge
// of the last one.
func quantile(h *metrics.Float64Histogram, q float64) time.Duration {
	var total, below uint64
	for _, n := range h.Counts {
		total += n
	}
	for i, n := range h.Counts {
		below += n
		if total == 0 || n == 0 || float64(below) < q*float64(total) {
			continue
		}
		edge := h.Buckets[i+1]
		if i+2 == len(h.Buckets) {
			edge = h.Buckets[i] // the last bucket is open
		}
		return time.Duration(edge * float64(time.Second))
	}
	return 0
}
