//go:build !linux

package checks

// openFiles is not supported here.
func openFiles() (open, limit uint64, ok bool) { return 0, 0, false }
