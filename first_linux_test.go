package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// asProgram makes the test program be the program.
const asProgram = "TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestFirstProcess runs the program as process 1 of a PID namespace, as in a container
// without an init, with plugins that leave processes behind.
func TestFirstProcess(t *testing.T) {
	unshare := testneed.Program(t, "util-linux", "unshare")
	testneed.Namespaces(t)
	const plugins, runs = 20, 10
	file, address := filepath.Join(t.TempDir(), "c.yml"), testport.Reserve(t)
	plugin := "{name: %s, kind: exec, interval: 1s, healthy: 1, unhealthy: 1, command: [/bin/sh, -c, 'echo said; setsid sleep 0.%d >/dev/null 2>&1 & exit %d']}\n"
	checks := "checks:\n- " + fmt.Sprintf(plugin, "bad", 1, 2)
	for i := range plugins {
		checks += "- " + fmt.Sprintf(plugin, "good"+strconv.Itoa(i), i%10, 0)
	}
	configure(t, file, checks)
	cmd := exec.CommandContext(t.Context(), unshare, "--pid", "--fork", "--mount-proc", "--kill-child", os.Args[0],
		"--config.file="+file, "--storage.path="+t.TempDir(), "--web.listen-address="+address, "--no-zeroconf", "--log.level=warn")
	cmd.Env = append(os.Environ(), asProgram+"=yes")
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var first []int
	until(t, "unshare has a child", func() bool { first = children(t, cmd.Process.Pid, ""); return len(first) == 1 })
	until(t, "something is left behind", func() bool { return len(children(t, first[0], "Z")) > 0 })
	until(t, fmt.Sprintf("each of %d good plugins passed %d times in a row", plugins, runs), func() bool {
		metrics := get(address, "/metrics")
		if regexp.MustCompile(`health_check_failures_total{check="good`).MatchString(metrics) {
			t.Fatalf("a plugin that passes has failed:\n%s", get(address, "/healthcheck"))
		}
		return len(regexp.MustCompile(`health_check_consecutive_successes{check="good\d+"} [1-9]\d\n`).FindAllString(metrics, -1)) == plugins
	})
	if body := get(address, "/healthz/bad"); !strings.Contains(body, `"said"`) {
		t.Errorf("of the plugin that fails: %s", body)
	}

	configure(t, file, "{}\n")
	tell(t, first[0], syscall.SIGHUP)
	until(t, "nothing is left behind", func() bool { return len(children(t, first[0], "")) == 0 })
	tell(t, first[0], syscall.SIGTERM)
	if err := cmd.Wait(); err != nil || strings.Contains(said.String(), "behind") {
		t.Errorf("after SIGTERM: %v\n%s", err, said.String())
	}
}

func configure(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func tell(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
}

// until waits for something to be so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so: %s", what)
		}
	}
}

// children are those of a process which are in a state, or in any.
func children(t *testing.T, of int, state string) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it is gone
		}
		if status := string(text); strings.Contains(status, fmt.Sprintf("\nPPid:\t%d\n", of)) && strings.Contains(status, "\nState:\t"+state) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			found = append(found, pid)
		}
	}
	return found
}

// get is a page of the program; empty while there is none.
func get(address, path string) string {
	response, err := http.Get("http://" + address + path)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return string(body)
}
