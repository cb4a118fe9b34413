package harness

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// StartLimit is how long a program may take to start or to stop.
const StartLimit = 20 * time.Second

// Process is a program that runs until it is told to end, at the latest when the
// test ends.
type Process struct {
	Name string
	Cmd  *exec.Cmd
	Log  logBuffer
	Done chan struct{} // closed when it has ended; err is set then
	Err  error
}

// logBuffer collects what a process prints.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

// Write adds to what is collected.
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String is all that was printed so far.
func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Start starts a program, which is killed when the test ends. If the test fails, its log is shown.
func Start(t *testing.T, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{Name: name, Cmd: cmd, Done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.Log, &p.Log
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", name, err)
	}
	go func() {
		p.Err = cmd.Wait()
		close(p.Done)
	}()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, lastLines(p.Log.String(), 200))
		}
	})
	return p
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Kill ends the process at once, without giving it a chance to do anything.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill() // it may have ended already
	<-p.Done
}

// Terminate asks the process to end and returns its exit code.
func (p *Process) Terminate(t *testing.T) int {
	t.Helper()
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("terminating %s: %v", p.Name, err)
	}
	return p.ExitCode(t)
}

// ExitCode waits until the process has ended by itself.
func (p *Process) ExitCode(t *testing.T) int {
	t.Helper()
	select {
	case <-p.Done:
	case <-time.After(StartLimit):
		t.Fatalf("%s has not ended in %v", p.Name, StartLimit)
	}
	if exit, ok := errors.AsType[*exec.ExitError](p.Err); ok {
		return exit.ExitCode()
	}
	if p.Err != nil {
		t.Fatalf("waiting for %s: %v", p.Name, p.Err)
	}
	return 0
}

// AwaitReady waits until the URL answers 200.
func (p *Process) AwaitReady(t *testing.T, url string) {
	t.Helper()
	Await(t, StartLimit, p.Name+" answers at "+url, func() error {
		select {
		case <-p.Done:
			t.Fatalf("%s has ended: %v", p.Name, p.Err)
		default:
		}
		return GetOK(url)
	})
}

// GetOK asks for a page, which must answer 200.
func GetOK(url string) error {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}

// Await tries until it succeeds, or the limit is reached.
func Await(t *testing.T, limit time.Duration, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v until %s: %v", limit, what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
