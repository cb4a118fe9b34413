package envinfo

import "syscall"

func systemName() uname {
	var u syscall.Utsname
	if syscall.Uname(&u) != nil {
		return uname{system: "Linux"}
	}
	return uname{
		system: text(u.Sysname[:]), node: text(u.Nodename[:]), release: text(u.Release[:]),
		version: text(u.Version[:]), machine: text(u.Machine[:]),
	}
}
