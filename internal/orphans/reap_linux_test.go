package orphans

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/testneed"
)

// asFirst makes the test program run one of the firsts, as process 1.
const asFirst = "ORPHANS_TEST_AS_FIRST"

// firsts are what process 1 does in the tests.
var firsts = map[string]func() error{"leave": leave, "late": late}

func TestMain(m *testing.M) {
	first, ok := firsts[os.Getenv(asFirst)]
	if !ok {
		os.Exit(m.Run())
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go Reap(ctx, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err := first(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestFirst runs each of the firsts in a PID namespace of its own.
func TestFirst(t *testing.T) {
	unshare := testneed.Program(t, "util-linux", "unshare")
	testneed.Namespaces(t)
	for name := range firsts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), unshare, "--pid", "--fork", "--mount-proc", "--kill-child", os.Args[0])
			cmd.Env = append(os.Environ(), asFirst+"="+name)
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// leave starts programs which leave others behind that outlive them. Their status is
// theirs, and in the end nothing is left.
func leave() error {
	most := 0
	for i := range 200 {
		code := i % 4
		err := exec.Command("sh", "-c", fmt.Sprintf("setsid sleep 0.%d & exit %d", i%3, code)).Run()
		exit, _ := errors.AsType[*exec.ExitError](err)
		if code == 0 && err != nil || code > 0 && (exit == nil || exit.ExitCode() != code) {
			return fmt.Errorf("run %d: got %w, want exit code %d", i, err, code)
		}
		if err := noteZombies(&most); err != nil {
			return err
		}
	}
	if most == 0 {
		return errors.New("nothing was left behind: the test shows nothing")
	}
	return untilZombies(0)
}

// late waits for a program long after it has ended, as those do that read its output
// first, while others are left behind.
func late() error {
	cmd := exec.Command("sh", "-c", "setsid sleep 2 & exit 7")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, out); err != nil { // until what was left behind has ended
		return err
	}
	if err := untilZombies(1); err != nil {
		return err
	}
	exit, _ := errors.AsType[*exec.ExitError](cmd.Wait())
	if exit == nil || exit.ExitCode() != 7 {
		return fmt.Errorf("got %w, want exit code 7", exit)
	}
	return untilZombies(0)
}

func noteZombies(most *int) error {
	left, err := zombies()
	*most = max(*most, len(left))
	return err
}

// untilZombies waits until so many are left.
func untilZombies(want int) error {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left, err := zombies()
		if err != nil || len(left) == want {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d zombies are left, want %d: %v", len(left), want, left)
		}
	}
}

func TestParseStat(t *testing.T) {
	for _, test := range []struct {
		text        string
		pid, parent int
		state       string
	}{
		{"12 (sleep) Z 1 12 12 0", 12, 1, "Z"},
		{"13 (a) Z 1 (b)) S 7 13", 13, 7, "S"},
		{"", 0, 0, ""},
		{"14 (cut", 0, 0, ""},
	} {
		if pid, parent, state := parseStat(test.text); pid != test.pid || parent != test.parent || state != test.state {
			t.Errorf("%q: got %d, %d, %q", test.text, pid, parent, state)
		}
	}
}
