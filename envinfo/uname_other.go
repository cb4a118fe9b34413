//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package envinfo

import (
	"os"
	"runtime"
)

func systemName() uname {
	node, _ := os.Hostname() // unknown is empty
	return uname{system: runtime.GOOS, node: node, machine: runtime.GOARCH}
}
