//go:build !unix

package checks

import "os"

// alive reports whether there is such a process.
func alive(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = process.Release() // only its existence matters
	return true
}
