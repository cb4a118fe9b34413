//go:build !linux

package checks

import (
	"errors"
	"fmt"
	"runtime"
)

// readClock is not supported here.
func readClock() (clockStatus, error) {
	return clockStatus{}, fmt.Errorf("on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
