package checks

import (
	"os"
	"syscall"
)

// openFiles counts the files this process has open, and how many it may have.
func openFiles() (open, limit uint64, ok bool) {
	var most syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &most); err != nil {
		return 0, 0, false
	}
	folder, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, 0, false
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return 0, 0, false
	}
	return uint64(len(names) - 1), most.Cur, true // the folder itself is among them
}
