//go:build unix

package checks_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
)

// script writes a shell script and returns its path.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plugin")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExec(t *testing.T) {
	t.Setenv("SECRET_OF_THE_PARENT", "yes")
	tests := []struct {
		name    string
		script  string
		outcome health.Outcome
		output  string
	}{
		{"ok", "echo 'DISK OK | /=5GB;8;9'", health.Pass, "DISK OK"},
		{"silent", "exit 0", health.Pass, "OK"},
		{"warning", "echo WARNING; exit 1", health.Warn, "WARNING"},
		{"critical", "echo CRITICAL; echo more; exit 2", health.Fail, "CRITICAL"},
		{"unknown", "echo no idea; exit 3", health.Fail, "unknown: no idea"},
		{"other code", "echo strange; exit 9", health.Fail, "exit code 9: strange"},
		{"critical and silent", "exit 2", health.Fail, "exit code 2"},
		{"standard error", "echo oops >&2; exit 2", health.Fail, "oops"},
		{"no environment", `echo "[$SECRET_OF_THE_PARENT$HOME]"`, health.Pass, "[]"},
		{"environment", `echo "[$GIVEN]"`, health.Pass, "[a=b]"},
		{"not UTF-8", `printf 'a\377b'`, health.Pass, "a\uFFFDb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check := checks.Exec{Command: []string{"/bin/sh", script(t, tt.script)}, Env: []string{"GIVEN=a=b"}}
			want(t, run(t, check.Run), tt.outcome, tt.output)
		})
	}
}

// TestExecNoEnvironment: no environment given means none, not our own.
func TestExecNoEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_PARENT", "yes")
	got := run(t, checks.Exec{Command: []string{"/bin/sh", script(t, `echo "[$SECRET_OF_THE_PARENT]"`)}}.Run)
	want(t, got, health.Pass, "[]")
}

func TestExecPerfdata(t *testing.T) {
	text := "echo \"OK: fine | 'a b'=1.5s;2;3;0;10 load=0.5;; c:=12MB\"; echo 'long text | more=U z=-3e2%'; exit 2"
	got := run(t, checks.Exec{Command: []string{"/bin/sh", script(t, text)}}.Run)
	want(t, got, health.Fail, "OK: fine")
	for name, value := range map[string]float64{"a b": 1.5, "load": 0.5, "c_": 12, "z": -300} {
		if v := observed(t, got, name); v != value {
			t.Errorf("%s is %v, want %v", name, v, value)
		}
	}
	if len(got.Observations) != 4 {
		t.Errorf("observations are %v", got.Observations)
	}
}

func TestExecOutputLimit(t *testing.T) {
	endless := "i=0; while [ $i -lt 20000 ]; do echo -n 0123456789; i=$((i+1)); done"
	got := run(t, checks.Exec{Command: []string{"/bin/sh", script(t, endless)}, MaxOutput: 15}.Run)
	want(t, got, health.Pass, "012345678901234")
	got = run(t, checks.Exec{Command: []string{"/bin/sh", script(t, endless)}}.Run)
	if n := len(got.Output.(string)); n != 8<<10 {
		t.Errorf("%d bytes were kept", n)
	}
}

func TestExecNoProgram(t *testing.T) {
	got := run(t, checks.Exec{Command: []string{"/nonexistent/plugin"}}.Run)
	want(t, got, health.Fail, "running /nonexistent/plugin: fork/exec /nonexistent/plugin: no such file or directory")
}

// TestExecKillsAll: when the time is up, the program dies and all it started, even
// if it ignores what it is told.
func TestExecKillsAll(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	text := `trap '' TERM HUP INT
(trap '' TERM HUP; sleep 300) & echo $! >>"$1"
sleep 300 & echo $! >>"$1"
echo $$ >>"$1"
wait`
	check := checks.Exec{Command: []string{"/bin/sh", script(t, text), pids}, Env: []string{"PATH=/usr/bin:/bin"}}
	began := time.Now()
	got := runWithin(t, 500*time.Millisecond, check.Run)
	if got.Outcome != health.Fail || got.Reason != health.FailTimeout {
		t.Errorf("got %s %s %q", got.Outcome, got.Reason, got.Output)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	for _, pid := range pidsIn(t, pids, 3) {
		awaitDead(t, pid)
	}
}

// TestExecLeftBehind: a program that ends but leaves another one with its output is
// not waited for, and the other one is killed.
func TestExecLeftBehind(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	text := `sleep 300 & echo $! >"$1"; echo done`
	check := checks.Exec{Command: []string{"/bin/sh", script(t, text), pids}, Env: []string{"PATH=/usr/bin:/bin"}}
	got := run(t, check.Run)
	want(t, got, health.Pass, "done")
	if got.Duration > 5*time.Second {
		t.Errorf("it took %s", got.Duration)
	}
	awaitDead(t, pidsIn(t, pids, 1)[0])
}

func TestExecKilled(t *testing.T) {
	got := run(t, checks.Exec{Command: []string{"/bin/sh", script(t, "kill -9 $$")}}.Run)
	want(t, got, health.Fail, "/bin/sh was ended: signal: killed: exit code -1")
}

func pidsIn(t *testing.T, file string, n int) (pids []int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if len(pids) != n {
		t.Fatalf("%d processes, want %d", len(pids), n)
	}
	return pids
}

// awaitDead waits until a process is gone, or dead and waiting for its parent.
func awaitDead(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
		if runtime.GOOS == "linux" {
			stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
			if strings.Contains(string(stat), ") Z ") {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d still runs", pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}
