package app

import (
	"cmp"
	"syscall"
)

// openFiles is how many files may be open at once. Six tenths of them are for probes on
// schedule, two for connections to us, one for ad-hoc probes, and one for all else.
func openFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return int(min(limit.Cur, 1<<20))
}

func maxConnections() int {
	const most = 1024
	return max(min(most, openFiles()*2/10), 4)
}

func maxAdHocProbes(wanted int) int {
	return max(min(cmp.Or(wanted, 500), openFiles()/10), 1)
}
