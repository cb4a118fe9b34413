//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package envinfo

import (
	"math"
	"syscall"
)

func controlGroup() any { return nil }

// resourceLimits are the limits of setrlimit(2), by their names in short.
func resourceLimits() map[string]any {
	limits := map[string]any{}
	for name, which := range map[string]int{
		"nofile": syscall.RLIMIT_NOFILE, "data": syscall.RLIMIT_DATA, "stack": syscall.RLIMIT_STACK,
		"core": syscall.RLIMIT_CORE, "fsize": syscall.RLIMIT_FSIZE, "cpu": syscall.RLIMIT_CPU,
	} {
		var r syscall.Rlimit
		if syscall.Getrlimit(which, &r) == nil {
			limits[name] = bounds(limited(uint64(r.Cur)), limited(uint64(r.Max)))
		}
	}
	return limits
}

// limited is nil for what the systems take for infinity.
func limited(n uint64) any {
	if n >= math.MaxInt64 {
		return nil
	}
	return n
}
