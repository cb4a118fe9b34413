package envinfo

import (
	"runtime"
	"strings"
)

// uname is what a system calls itself. What is not known is empty.
type uname struct {
	system, node, release, version, machine string
}

// osSection is the section os.
func osSection() map[string]any {
	u := systemName()
	return map[string]any{
		"platform": runtime.GOOS,
		"name":     osFamily(),
		"arch":     runtime.GOARCH,
		// The last one is the processor, which uname(2) does not know.
		"uname": []any{u.system, u.node, u.release, u.version, u.machine, ""},
	}
}

// osFamily is the name by which scripting languages tell systems apart.
func osFamily() string {
	switch runtime.GOOS {
	case "windows":
		return "nt"
	case "plan9", "js", "wasip1":
		return runtime.GOOS
	}
	return "posix"
}

// text cuts the bytes of a C string at its end.
func text[T int8 | uint8](c []T) string {
	var b strings.Builder
	for _, each := range c {
		if each == 0 {
			break
		}
		b.WriteByte(byte(each))
	}
	return strings.ToValidUTF8(b.String(), "?")
}
