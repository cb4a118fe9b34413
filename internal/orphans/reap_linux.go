package orphans

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pause is how long after the end of a process we look, and so for how many together.
const pause = time.Second

// Reap waits for inherited processes until ctx is done, if this is process 1, and does
// nothing otherwise. It never waits for a process that package os has started, so nobody
// loses its exit status.
func Reap(ctx context.Context, log *slog.Logger) {
	if os.Getpid() != 1 {
		return
	}
	if err := distinguishable(); err != nil {
		log.Warn("as process 1, what plugins leave behind cannot be waited for: run the container with an init, such as docker run --init", "err", err)
		return
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for {
		if err := reapAll(); err != nil {
			log.Warn("waiting for processes that were left behind", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ended:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// distinguishable says why own processes cannot be told from inherited ones. Package os
// has a handle of each that it starts, from its beginning until its status was read, if
// the kernel is Linux 5.4 or later; and /proc may be missing, or that of another namespace.
func distinguishable() error {
	self, err := os.Readlink("/proc/self")
	if err != nil {
		return err
	}
	if self != "1" {
		return fmt.Errorf("/proc is of another PID namespace, in which we are process %s", self)
	}
	process, err := os.FindProcess(1)
	if err != nil {
		return err
	}
	defer process.Release()
	if err := process.WithHandle(func(uintptr) {}); err != nil {
		return err
	}
	held, err := handles()
	if err == nil && !held[1] {
		err = errors.New("/proc/self/fdinfo does not tell of which process a handle is")
	}
	return err
}

// reapAll waits for all inherited processes that have ended. Zombies are looked for
// before handles: whoever has a handle at the second look, and whoever had one in between,
// is not ours to wait for; in the latter case the status was read, and the zombie is gone.
func reapAll() error {
	zombies, err := zombies()
	if err != nil || len(zombies) == 0 {
		return err
	}
	held, err := handles()
	if err != nil {
		return err
	}
	for _, pid := range zombies {
		if held[pid] {
			continue
		}
		if _, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); err != nil && !errors.Is(err, syscall.ECHILD) {
			return fmt.Errorf("process %d: %w", pid, err)
		}
	}
	return nil
}

// zombies are the children of this process that have ended and were not waited for.
func zombies() ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it is gone
		}
		if pid, parent, state := parseStat(string(text)); state == "Z" && parent == os.Getpid() {
			found = append(found, pid)
		}
	}
	return found, nil
}

// parseStat reads the beginning of /proc/PID/stat: "PID (name) state parent". A name may
// have anything in it.
func parseStat(text string) (pid, parent int, state string) {
	before, after, _ := strings.Cut(text, " ")
	fields := strings.Fields(after[strings.LastIndexByte(after, ')')+1:])
	if len(fields) < 2 {
		return 0, 0, ""
	}
	pid, _ = strconv.Atoi(before)
	parent, _ = strconv.Atoi(fields[1])
	return pid, parent, fields[0]
}

// handles are the processes of which this one has a handle (a pidfd).
func handles() (map[int]bool, error) {
	const dir = "/proc/self/fdinfo"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	held := map[int]bool{}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue // it was closed
		}
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "Pid:"); ok {
				pid, _ := strconv.Atoi(strings.TrimSpace(value))
				held[pid] = true
			}
		}
	}
	return held, nil
}
