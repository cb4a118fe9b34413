//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package envinfo

import "syscall"

func systemName() uname {
	ask := func(name string) string {
		value, err := syscall.Sysctl(name)
		if err != nil {
			return ""
		}
		return text([]byte(value))
	}
	return uname{
		system: ask("kern.ostype"), node: ask("kern.hostname"), release: ask("kern.osrelease"),
		version: ask("kern.version"), machine: ask("hw.machine"),
	}
}
