//go:build !unix

package checks

import "os/exec"

// group is the program alone: there are no process groups here.
type group struct{ cmd *exec.Cmd }

func ownGroup(cmd *exec.Cmd) group { return group{cmd} }

// kill kills the program; what it started lives on.
func (g group) kill() error { return g.cmd.Process.Kill() }
