package envinfo

import (
	"fmt"
	"testing"
	"testing/fstest"
)

func TestReadCgroup(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"none", nil, "none"},
		{"version 2", map[string]string{
			"proc/self/cgroup":                                      "0::/system.slice/app.service\n",
			"sys/fs/cgroup/cgroup.controllers":                      "cpu memory pids\n",
			"sys/fs/cgroup/system.slice/memory.max":                 "1000\n",
			"sys/fs/cgroup/system.slice/cpu.max":                    "max 100000\n",
			"sys/fs/cgroup/system.slice/pids.max":                   "max\n",
			"sys/fs/cgroup/system.slice/cgroup.events":              "",
			"sys/fs/cgroup/system.slice/app.service/memory.max":     "2000\n",
			"sys/fs/cgroup/system.slice/app.service/memory.current": "500\n",
			"sys/fs/cgroup/system.slice/app.service/cpu.max":        "150000 100000\n",
			"sys/fs/cgroup/system.slice/app.service/pids.current":   "7\n",
		}, "{2 /system.slice/app.service 1000 500 1.5 <nil> 7}"},
		{"in a container, with the path of the host", map[string]string{
			"proc/self/cgroup":                 "0::/kubepods/pod1/abc\n",
			"sys/fs/cgroup/cgroup.controllers": "memory\n",
			"sys/fs/cgroup/memory.max":         "4096\n",
			"sys/fs/cgroup/memory.current":     "12\n",
			"sys/fs/cgroup/cpu.max":            "50000 100000\n",
		}, "{2 /kubepods/pod1/abc 4096 12 0.5 <nil> <nil>}"},
		{"version 1", map[string]string{
			"proc/self/cgroup":                             "12:pids:/a\n4:cpu,cpuacct:/a\n3:memory:/a\n1:name=systemd:/x\n0::/x\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   "9223372036854771712\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "8192\n",
			"sys/fs/cgroup/memory/a/memory.usage_in_bytes": "11\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":           "-1\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us":          "100000\n",
			"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us":         "25000\n",
			"sys/fs/cgroup/cpu/a/cpu.cfs_period_us":        "100000\n",
			"sys/fs/cgroup/pids/a/pids.max":                "99\n",
			"sys/fs/cgroup/pids/a/pids.current":            "3\n",
		}, "{1 /a 8192 11 0.25 99 3}"},
		{"hostile", map[string]string{
			"proc/self/cgroup":                 "x\n0::/../../etc\n",
			"sys/fs/cgroup/cgroup.controllers": "\n",
			"sys/fs/cgroup/memory.max":         "-5\n",
			"sys/fs/cgroup/cpu.max":            "1 0\n",
		}, "{2 /../../etc <nil> <nil> <nil> <nil> <nil>}"},
	} {
		system := fstest.MapFS{}
		for name, content := range test.files {
			system[name] = &fstest.MapFile{Data: []byte(content)}
		}
		got := "none"
		if g, ok := readCgroup(system); ok {
			got = fmt.Sprint(g)
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestVersionNumbers(t *testing.T) {
	for version, want := range map[string][3]int{
		"go1.26.8": {1, 26, 8}, "go1.27": {1, 27, 0}, "go1.27rc1": {1, 27, 0}, "devel go1.28-abc": {}, "": {},
		"go1.26.8 X:jsonv2": {1, 26, 8},
	} {
		major, minor, patch := versionNumbers(version)
		if got := [3]int{major, minor, patch}; got != want {
			t.Errorf("%q: got %v, want %v", version, got, want)
		}
	}
}
