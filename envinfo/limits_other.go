//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package envinfo

func controlGroup() any { return nil }

// resourceLimits is empty: these systems have none that a process could ask for.
func resourceLimits() map[string]any { return map[string]any{} }
