package envinfo

import (
	"os"
	"strconv"
	"strings"
)

// controlGroup is the group of this process, or nil where there is none.
func controlGroup() any {
	if g, ok := readCgroup(os.DirFS("/")); ok {
		return g.section()
	}
	return nil
}

// resourceLimits are the limits of setrlimit(2), by their names in short.
func resourceLimits() map[string]any {
	table, err := os.ReadFile("/proc/self/limits")
	if err != nil {
		return map[string]any{}
	}
	return parseLimits(string(table))
}

// parseLimits reads /proc/self/limits, a table with columns of fixed width.
func parseLimits(table string) map[string]any {
	names := map[string]string{
		"Max open files": "nofile", "Max processes": "nproc", "Max locked memory": "memlock",
		"Max address space": "as", "Max data size": "data", "Max stack size": "stack",
		"Max core file size": "core", "Max file size": "fsize", "Max cpu time": "cpu",
	}
	limits := map[string]any{}
	for line := range strings.Lines(table) {
		const width = 26
		if len(line) <= width {
			continue
		}
		name, ok := names[strings.TrimSpace(line[:width])]
		values := strings.Fields(line[width:])
		if ok && len(values) >= 2 {
			limits[name] = bounds(parseLimit(values[0]), parseLimit(values[1]))
		}
	}
	return limits
}

func parseLimit(text string) any {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n
	}
	return nil // unlimited
}
