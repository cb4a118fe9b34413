package envinfo

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// cgroup is what a control group of Linux allows and uses; a nil is unlimited or
// not known.
type cgroup struct {
	version              int
	path                 string
	memoryMax            any // bytes
	memoryCurrent        any // bytes
	cpus                 any // how many CPUs' time, may be a fraction
	pidsMax, pidsCurrent any
}

func (g cgroup) section() map[string]any {
	return map[string]any{
		"version": g.version, "path": g.path, "memory_max_bytes": g.memoryMax, "memory_current_bytes": g.memoryCurrent,
		"cpu_max": g.cpus, "pids_max": g.pidsMax, "pids_current": g.pidsCurrent,
	}
}

// readCgroup finds the group of this process in the file system of a machine:
// version 2 if it has a hierarchy of it with controllers, else version 1.
func readCgroup(system fs.FS) (cgroup, bool) {
	list, err := fs.ReadFile(system, "proc/self/cgroup")
	if err != nil {
		return cgroup{}, false
	}
	paths := map[string]string{} // by controller; that of version 2 is ""
	for line := range strings.Lines(string(list)) {
		// 4:cpu,cpuacct:/user.slice
		parts := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		if len(parts) < 3 {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			paths[controller] = parts[2]
		}
	}
	if _, ok := readLine(system, "sys/fs/cgroup/cgroup.controllers"); ok {
		return readCgroup2(system, paths[""]), true
	}
	if _, ok := paths["memory"]; !ok {
		return cgroup{}, false
	}
	return readCgroup1(system, paths), true
}

func readCgroup2(system fs.FS, own string) cgroup {
	dirs := ancestors(system, "sys/fs/cgroup", own)
	return cgroup{
		version: 2, path: own,
		memoryMax:     least(system, dirs, "memory.max", number),
		memoryCurrent: first(system, dirs, "memory.current"),
		cpus:          least(system, dirs, "cpu.max", share),
		pidsMax:       least(system, dirs, "pids.max", number),
		pidsCurrent:   first(system, dirs, "pids.current"),
	}
}

func readCgroup1(system fs.FS, paths map[string]string) cgroup {
	memory := ancestors(system, "sys/fs/cgroup/memory", paths["memory"])
	cpu := ancestors(system, "sys/fs/cgroup/cpu", paths["cpu"])
	pids := ancestors(system, "sys/fs/cgroup/pids", paths["pids"])
	g := cgroup{
		version: 1, path: paths["memory"],
		memoryMax:     least(system, memory, "memory.limit_in_bytes", number),
		memoryCurrent: first(system, memory, "memory.usage_in_bytes"),
		pidsMax:       least(system, pids, "pids.max", number),
		pidsCurrent:   first(system, pids, "pids.current"),
	}
	for _, dir := range cpu {
		quota, ok1 := readLine(system, path.Join(dir, "cpu.cfs_quota_us"))
		period, ok2 := readLine(system, path.Join(dir, "cpu.cfs_period_us"))
		if cpus, ok := share(quota + " " + period); ok && ok1 && ok2 && (g.cpus == nil || cpus < g.cpus.(float64)) {
			g.cpus = cpus
		}
	}
	return g
}

// ancestors are the folders of a group and of those around it. Within a container
// the path is often that on the host, where only the root can be seen.
func ancestors(system fs.FS, root, own string) []string {
	own = path.Clean("/" + own)
	var dirs []string
	for dir := own; ; dir = path.Dir(dir) {
		at := path.Join(root, dir)
		if info, err := fs.Stat(system, at); err == nil && info.IsDir() {
			dirs = append(dirs, at)
		}
		if dir == "/" {
			return dirs
		}
	}
}

// first is the number in a file of the innermost group that has it.
func first(system fs.FS, dirs []string, name string) any {
	for _, dir := range dirs {
		if line, ok := readLine(system, path.Join(dir, name)); ok {
			if n, ok := number(line); ok {
				return n
			}
		}
	}
	return nil
}

// least is the tightest of the limits of a group and those around it.
func least[T int64 | float64](system fs.FS, dirs []string, name string, read func(string) (T, bool)) any {
	var tightest any
	for _, dir := range dirs {
		line, ok := readLine(system, path.Join(dir, name))
		if !ok {
			continue
		}
		if n, ok := read(line); ok && (tightest == nil || n < tightest.(T)) {
			tightest = n
		}
	}
	return tightest
}

// number reads a limit. "max" is none, and so is what version 1 rounds the
// largest number to.
func number(line string) (int64, bool) {
	n, err := strconv.ParseInt(line, 10, 64)
	const unlimited = 1 << 62
	return n, err == nil && n >= 0 && n < unlimited
}

// share reads "quota period" as a number of CPUs; a quota of max or -1 is none.
func share(line string) (float64, bool) {
	quota, period, _ := strings.Cut(line, " ")
	q, err1 := strconv.ParseInt(quota, 10, 64)
	p, err2 := strconv.ParseInt(period, 10, 64)
	if err1 != nil || err2 != nil || q < 0 || p <= 0 {
		return 0, false
	}
	return float64(q) / float64(p), true
}
