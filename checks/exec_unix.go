//go:build unix

package checks

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// group is the process group of a program.
type group struct{ cmd *exec.Cmd }

// ownGroup gives the program a process group of its own, all of which is killed
// when its context is done.
func ownGroup(cmd *exec.Cmd) group {
	g := group{cmd}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = g.kill
	return g
}

// kill kills what is left of the group. Its number stays taken as long as somebody
// is in it.
func (g group) kill() error {
	err := syscall.Kill(-g.cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}
