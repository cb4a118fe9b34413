package testneed

import (
	"runtime"
	"syscall"
)

// tryNamespace makes a network namespace, which goes away with the thread.
func tryNamespace() error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		result <- syscall.Unshare(syscall.CLONE_NEWNET)
	}()
	return <-result
}
