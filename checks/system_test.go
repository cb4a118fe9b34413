package checks_test

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// kernel writes the kernel's files below a folder, as a container may see those of
// its host.
func kernel(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestDiskHere(t *testing.T) {
	testneed.Linux(t, "/proc")
	folder := t.TempDir()
	got := run(t, checks.Disk{Path: folder, MinFree: checks.Number(1), MinInodes: checks.Number(0)}.Run)
	if got.Outcome != health.Pass || !strings.HasPrefix(got.Output.(string), folder+": ") {
		t.Errorf("got %s %q", got.Outcome, got.Output)
	}
	if free := observed(t, got, "free").(uint64); free == 0 {
		t.Error("nothing is free")
	}
	if used := observed(t, got, "utilization").(float64); used < 0 || used >= 100 {
		t.Errorf("utilization is %v %%", used)
	}
	got = run(t, checks.Disk{Path: folder, MinFree: checks.Number(1 << 62)}.Run)
	if got.Outcome != health.Fail || !strings.Contains(got.Output.(string), " free (") {
		t.Errorf("got %s %q", got.Outcome, got.Output)
	}
	got = run(t, checks.Disk{Path: folder, MinFree: checks.Number(1), WarnFree: checks.Percent(100)}.Run)
	if got.Outcome != health.Warn {
		t.Errorf("got %s %q", got.Outcome, got.Output)
	}
	got = run(t, checks.Disk{Path: filepath.Join(folder, "none")}.Run)
	want(t, got, health.Fail, "reading disk usage: statfs "+filepath.Join(folder, "none")+": no such file or directory")
	// /proc has no blocks and no inodes, which is not the same as none left.
	got = run(t, checks.Disk{Path: "/proc"}.Run)
	want(t, got, health.Pass, "/proc: 0 B of 0 B free (0.0 %)")
}

const meminfo = "MemTotal:       1000 kB\nMemFree:         10 kB\nMemAvailable:    100 kB\n"

func TestMemory(t *testing.T) {
	group := map[string]string{
		"proc/meminfo":     meminfo,
		"proc/self/cgroup": "1:name=systemd:/x\n0::/app.slice/app.service\n",
		"sys/fs/cgroup/app.slice/app.service/memory.max":     "max\n",
		"sys/fs/cgroup/app.slice/app.service/memory.current": "500000\n",
		"sys/fs/cgroup/app.slice/memory.max":                 "100000\n",
		"sys/fs/cgroup/app.slice/memory.current":             "99000\n",
		"sys/fs/cgroup/app.slice/memory.stat":                "anon 1\ninactive_file 4000\n",
	}
	tests := []struct {
		name    string
		files   map[string]string
		check   checks.Memory
		outcome health.Outcome
		output  string
	}{
		{"machine", map[string]string{"proc/meminfo": meminfo}, checks.Memory{}, health.Pass, "100.0 KiB of 1000.0 KiB memory available (10.0 %) on this machine"},
		{"machine warns", map[string]string{"proc/meminfo": meminfo}, checks.Memory{WarnFree: checks.Percent(11)}, health.Warn, "100.0 KiB of 1000.0 KiB memory available (10.0 %) on this machine"},
		{"machine fails", map[string]string{"proc/meminfo": meminfo}, checks.Memory{MinFree: checks.Number(102401)}, health.Fail, "100.0 KiB of 1000.0 KiB memory available (10.0 %) on this machine"},
		{"group above has a limit", group, checks.Memory{MinFree: checks.Percent(4)}, health.Pass, "4.9 KiB of 97.7 KiB memory available (5.0 %) in the control group"},
		{"group fails", group, checks.Memory{MinFree: checks.Percent(6)}, health.Fail, "4.9 KiB of 97.7 KiB memory available (5.0 %) in the control group"},
		{"old kernel", map[string]string{"proc/meminfo": "MemTotal: 5 kB\n"}, checks.Memory{}, health.Fail, "reading memory usage: /proc/meminfo does not have MemTotal and MemAvailable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.check.Root = kernel(t, tt.files)
			want(t, run(t, tt.check.Run), tt.outcome, tt.output)
		})
	}
	t.Run("here", func(t *testing.T) {
		testneed.Linux(t, "/proc")
		got := run(t, checks.Memory{MinFree: checks.Number(1)}.Run)
		if got.Outcome != health.Pass || observed(t, got, "available").(uint64) == 0 {
			t.Errorf("got %s %q", got.Outcome, got.Output)
		}
	})
	t.Run("nowhere", func(t *testing.T) {
		if got := run(t, checks.Memory{Root: t.TempDir()}.Run); got.Outcome != health.Fail {
			t.Errorf("got %s %q", got.Outcome, got.Output)
		}
	})
}

func TestLoad(t *testing.T) {
	files := map[string]string{
		"proc/loadavg": "9.00 6.00 1.00 1/100 1234\n",
		"proc/stat":    "cpu  1 2 3\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5\n",
	}
	tests := []struct {
		name    string
		check   checks.Load
		outcome health.Outcome
		output  string
	}{
		{"defaults", checks.Load{}, health.Pass, "load 6.00 on 2 processors"},
		{"one minute", checks.Load{Minutes: 1}, health.Fail, "load 9.00 on 2 processors"},
		{"fifteen", checks.Load{Minutes: 15, Max: 0.5}, health.Pass, "load 1.00 on 2 processors"},
		{"warns", checks.Load{Warn: 2.9}, health.Warn, "load 6.00 on 2 processors"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.check.Root = kernel(t, files)
			want(t, run(t, tt.check.Run), tt.outcome, tt.output)
		})
	}
	for _, bad := range []map[string]string{
		{"proc/loadavg": "", "proc/stat": "cpu0 1"},
		{"proc/loadavg": "a b c", "proc/stat": "cpu0 1"},
		{"proc/loadavg": "1 1 1", "proc/stat": "cpu 1"},
		{"proc/loadavg": "1 1 1"},
	} {
		if got := run(t, checks.Load{Root: kernel(t, bad)}.Run); got.Outcome != health.Fail {
			t.Errorf("%v: got %s %q", bad, got.Outcome, got.Output)
		}
	}
	t.Run("here", func(t *testing.T) {
		testneed.Linux(t, "/proc")
		if got := run(t, checks.Load{Max: 1e6}.Run); got.Outcome != health.Pass {
			t.Errorf("got %s %q", got.Outcome, got.Output)
		}
	})
}

func TestPressure(t *testing.T) {
	const machine = "some avg10=80.50 avg60=5.00 avg300=1.00 total=1\nfull avg10=3.00 avg60=2.00 avg300=1.00 total=1\n"
	files := map[string]string{"proc/pressure/io": machine, "proc/pressure/cpu": "some avg10=1.00 avg60=1.00 avg300=1.00 total=1\n"}
	grouped := map[string]string{
		"proc/self/cgroup": "0::/a\n", "proc/pressure/cpu": machine,
		"sys/fs/cgroup/a/cpu.pressure": "some avg10=0.00 avg60=60.00 avg300=0.00 total=1\n",
	}
	tests := []struct {
		name    string
		files   map[string]string
		check   checks.Pressure
		outcome health.Outcome
		output  string
	}{
		{"defaults", files, checks.Pressure{}, health.Pass, "1.0 % of time lost waiting for cpu on this machine"},
		{"fails", files, checks.Pressure{Resource: "io", Seconds: 10}, health.Fail, "80.5 % of time lost waiting for io on this machine"},
		{"warns", files, checks.Pressure{Resource: "io", Warn: 4}, health.Warn, "5.0 % of time lost waiting for io on this machine"},
		{"full", files, checks.Pressure{Resource: "io", Seconds: 10, Full: true}, health.Pass, "3.0 % of time lost waiting for io on this machine"},
		{"no full", files, checks.Pressure{Full: true}, health.Fail, `reading the pressure on cpu: the kernel does not report avg60 of "full"`},
		{"group", grouped, checks.Pressure{}, health.Fail, "60.0 % of time lost waiting for cpu in the control group"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.check.Root = kernel(t, tt.files)
			want(t, run(t, tt.check.Run), tt.outcome, tt.output)
		})
	}
}

func TestClockHere(t *testing.T) {
	testneed.Linux(t, "/proc")
	got := run(t, checks.Clock{}.Run)
	switch got.Outcome {
	case health.Pass:
	case health.Fail:
		if got.Output != "the clock is not synchronized" {
			t.Errorf("got %q", got.Output)
		}
	default:
		t.Errorf("got %s", got.Outcome)
	}
	if observed(t, got, "maxError").(float64) < 0 {
		t.Error("the error is negative")
	}
}

func TestFile(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string, age time.Duration) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
		return path
	}
	old := write("dump-1.sql", "old", 48*time.Hour)
	young := write("dump-2.sql", "-- dump completed", time.Hour)
	odd := write("odd[1].txt", "x", time.Hour)
	pattern := filepath.Join(folder, "dump-*.sql")
	none := filepath.Join(folder, "none-*")
	tests := []struct {
		name    string
		check   checks.File
		outcome health.Outcome
		output  string
	}{
		{"newest", checks.File{Path: pattern, MaxAge: 2 * time.Hour}, health.Pass, young + " was written 1h0m0s ago"},
		{"old", checks.File{Path: old, MaxAge: 24 * time.Hour}, health.Fail, old + " was written 48h0m0s ago, more than 24h0m0s"},
		{"aging", checks.File{Path: old, WarnAge: 24 * time.Hour}, health.Warn, old + " was written 48h0m0s ago, more than 24h0m0s"},
		{"small", checks.File{Path: old, MinSize: 4}, health.Fail, old + " has 3 bytes, less than 4"},
		{"large", checks.File{Path: young, MaxSize: 4}, health.Fail, young + " has 17 bytes, more than 4"},
		{"content", checks.File{Path: pattern, Match: regexp.MustCompile("completed$")}, health.Pass, young + " was written 1h0m0s ago"},
		{"wrong content", checks.File{Path: old, Match: regexp.MustCompile("completed")}, health.Fail, old + ` does not match "completed"`},
		{"none", checks.File{Path: none}, health.Fail, "no file: stat " + none + ": no such file or directory"},
		{"odd name", checks.File{Path: odd}, health.Pass, odd + " was written 1h0m0s ago"},
		{"folder", checks.File{Path: folder, Match: regexp.MustCompile("x")}, health.Fail, folder + " is not a regular file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { want(t, run(t, tt.check.Run), tt.outcome, tt.output) })
	}
}

func TestProcess(t *testing.T) {
	files := map[string]string{
		"proc/1/stat": "1 (systemd) S 0 1", "proc/1/cmdline": "/sbin/init\x00splash\x00",
		"proc/20/stat": "20 (nginx) S 1 20", "proc/20/cmdline": "nginx: master process /usr/sbin/nginx\x00",
		"proc/21/stat": "21 (nginx) Z 20 20", "proc/21/cmdline": "",
		"proc/30/stat": "30 (a ) S (b) R 1 1", "proc/30/cmdline": "other\x00",
		"proc/40/stat": "40 (python3) S 1 1", "proc/40/cmdline": "/usr/bin/python3\x00/srv/worker.py\x00--queue=mail\x00",
		"proc/50/stat": "50 (averyveryverylo) S 1 1", "proc/50/cmdline": "/bin/averyveryverylongname\x00",
		"proc/60/stat": "60 (kernelthreadwit) S 1 1", "proc/60/cmdline": "",
		"proc/70/cmdline": "gone", "proc/uptime": "1", "proc/80/stat": "80 (x",
	}
	tests := []struct {
		name    string
		check   checks.Process
		outcome health.Outcome
		output  string
	}{
		{"by the kernel's name", checks.Process{Name: "systemd"}, health.Pass, "systemd is running"},
		{"by the first argument", checks.Process{Name: "init"}, health.Pass, "init is running"},
		{"no zombies", checks.Process{Name: "nginx", Min: 2}, health.Fail, "1 processes of nginx, less than 2"},
		{"brackets", checks.Process{Name: "a ) S (b"}, health.Pass, "a ) S (b is running"},
		{"long name", checks.Process{Name: "averyveryverylongname", Max: 1}, health.Pass, "averyveryverylongname is running"},
		{"other long name", checks.Process{Name: "averyveryverylongnome"}, health.Fail, "averyveryverylongnome is not running"},
		{"kernel thread", checks.Process{Name: "kernelthreadwithname"}, health.Pass, "kernelthreadwithname is running"},
		{"command line", checks.Process{Match: regexp.MustCompile(`worker\.py --queue=mail`)}, health.Pass, `worker\.py --queue=mail is running`},
		{"both", checks.Process{Name: "systemd", Match: regexp.MustCompile(`worker`)}, health.Fail, "systemd is not running"},
		{"too many", checks.Process{Match: regexp.MustCompile(`.`), Max: 2}, health.Fail, "5 processes of ., more than 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.check.Root = kernel(t, files)
			want(t, run(t, tt.check.Run), tt.outcome, tt.output)
		})
	}
	t.Run("empty", func(t *testing.T) {
		got := run(t, checks.Process{Name: "x", Root: kernel(t, map[string]string{"proc/uptime": "1"})}.Run)
		want(t, got, health.Fail, "listing processes: none is visible in /proc")
	})
}

func TestProcessHere(t *testing.T) {
	testneed.Linux(t, "/proc")
	file := filepath.Join(t.TempDir(), "pid")
	me := checks.Process{PIDFile: file}
	want(t, run(t, me.Run), health.Fail, "the process of "+file+" is not running")
	if err := os.WriteFile(file, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, run(t, me.Run), health.Pass, "the process of "+file+" is running")
	// The number was given to another program meanwhile.
	want(t, run(t, checks.Process{Name: "other", PIDFile: file}.Run), health.Fail, "other is not running")
	name := filepath.Base(os.Args[0])
	want(t, run(t, checks.Process{Name: name}.Run), health.Pass, name+" is running")
	if err := os.WriteFile(file, []byte("nobody"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, run(t, me.Run), health.Fail, file+` has no number of a process: "nobody"`)
}

func TestRuntime(t *testing.T) {
	runtime.GC()
	got := run(t, checks.Runtime{}.Run)
	if got.Outcome != health.Pass {
		t.Errorf("got %s %q", got.Outcome, got.Output)
	}
	if n := observed(t, got, "goroutines").(uint64); n < 2 || n > 100 {
		t.Errorf("%d goroutines", n)
	}
	if pause := observed(t, got, "pause").(float64); pause <= 0 || pause > 1 {
		t.Errorf("pause of %v s", pause)
	}
	for name, check := range map[string]checks.Runtime{
		"goroutines, more than 1":  {MaxGoroutines: 1},
		"on the heap, more than":   {MaxHeap: 1},
		"garbage collection pause": {MaxPause: 1},
	} {
		if got := run(t, check.Run); got.Outcome != health.Fail || !strings.Contains(got.Output.(string), name) {
			t.Errorf("%s: got %s %q", name, got.Outcome, got.Output)
		}
	}
	if runtime.GOOS == "linux" {
		if n := observed(t, got, "openFiles").(uint64); n < 3 {
			t.Errorf("%d open files", n)
		}
		got := run(t, checks.Runtime{MinFiles: checks.Percent(100)}.Run)
		if got.Outcome != health.Fail || !strings.Contains(got.Output.(string), " files open") {
			t.Errorf("got %s %q", got.Outcome, got.Output)
		}
	}
}
