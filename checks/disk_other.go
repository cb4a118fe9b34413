//go:build !linux && !darwin

package checks

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// readDisk is not supported here.
func readDisk(path string) (diskUsage, error) {
	return diskUsage{}, &os.PathError{Op: "statfs", Path: path, Err: fmt.Errorf("on %s: %w", runtime.GOOS, errors.ErrUnsupported)}
}
