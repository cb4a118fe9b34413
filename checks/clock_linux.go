package checks

import (
	"os"
	"syscall"
	"time"
)

// readClock asks the kernel and changes nothing.
func readClock() (clockStatus, error) {
	const (
		timeError      = 5      // the clock is not synchronized
		unsynchronized = 0x0040 // the same, as a flag
		nanoseconds    = 0x2000 // the offset is in nanoseconds
	)
	var t syscall.Timex
	state, err := syscall.Adjtimex(&t)
	if err != nil {
		return clockStatus{}, os.NewSyscallError("adjtimex", err)
	}
	unit := time.Microsecond
	if t.Status&nanoseconds != 0 {
		unit = time.Nanosecond
	}
	return clockStatus{
		synchronized: state != timeError && t.Status&unsynchronized == 0,
		maxError:     time.Duration(t.Maxerror) * time.Microsecond,
		offset:       time.Duration(t.Offset) * unit,
	}, nil
}
