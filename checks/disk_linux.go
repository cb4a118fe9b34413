package checks

import (
	"os"
	"syscall"
)

// readDisk asks for the file system that path is on.
func readDisk(path string) (diskUsage, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return diskUsage{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	block := uint64(s.Frsize) // blocks are counted in fragments, where the two differ
	if block == 0 {
		block = uint64(s.Bsize)
	}
	const readOnly = 1
	return diskUsage{
		total: (s.Blocks - s.Bfree + s.Bavail) * block, free: s.Bavail * block,
		inodes: s.Files, inodesFree: s.Ffree,
		readOnly: s.Flags&readOnly != 0,
	}, nil
}
