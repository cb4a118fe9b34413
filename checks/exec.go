package checks

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Exec runs a program as Nagios runs its plugins: it passes with exit code 0,
// warns with 1 and fails with any other, and what it prints is its output,
// with performance data after a bar. The program and all it starts are killed
// when ctx is done.
//
// The command must come from whoever runs this program, never from the network.
type Exec struct {
	// Command is the program and its arguments; there is no shell in between. Required.
	Command []string `yaml:"command"`
	// Env is the whole environment of the program, as NAME=value: nothing of that of
	// this process is passed on.
	Env []string `yaml:"env"`
	// Dir is the folder to run in; default that of this process.
	Dir string `yaml:"dir"`
	// MaxOutput is how many bytes of output are kept; default 8 KiB.
	MaxOutput int `yaml:"max_output"`
}

// execDelay is how long a program that has ended may keep its output open, through
// others that it started.
const execDelay = time.Second

// Check reports what is wrong with the options.
func (e Exec) Check() error {
	faults := []error{
		require(len(e.Command) > 0 && e.Command[0] != "", "Command", strings.Join(e.Command, " "), "a program and its arguments"),
		require(e.MaxOutput >= 0, "MaxOutput", e.MaxOutput, "0 for the default, or more"),
	}
	for i, variable := range e.Env {
		name, _, ok := strings.Cut(variable, "=")
		// Its value may be a secret, which must not be in an error.
		faults = append(faults, require(ok && name != "", fmt.Sprintf("Env[%d]", i), name, "NAME=value"))
	}
	return errors.Join(faults...)
}

// Run runs the program once.
func (e Exec) Run(ctx context.Context) error {
	if err := e.Check(); err != nil {
		return err
	}
	limit := cmp.Or(e.MaxOutput, 8<<10)
	stdout, stderr := &capped{left: limit}, &capped{left: limit}
	cmd := exec.CommandContext(ctx, e.Command[0], e.Command[1:]...)
	cmd.Env = append([]string{}, e.Env...) // nil would hand on our own
	cmd.Dir = e.Dir
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = execDelay
	own := ownGroup(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		own.kill() // the program has ended, what it started has not
	}
	if ctx.Err() != nil {
		return fmt.Errorf("running %s: %w", e.Command[0], context.Cause(ctx))
	}
	text, data := splitOutput(stdout.buf.String())
	for _, d := range data {
		health.Observe(ctx, d.name, d.value, d.unit)
	}
	if text == "" {
		text, _ = splitOutput(stderr.buf.String())
	}
	return e.judge(ctx, err, text)
}

func (e Exec) judge(ctx context.Context, err error, text string) error {
	exit, exited := errors.AsType[*exec.ExitError](err)
	code := 0
	switch {
	case exited:
		code = exit.ExitCode()
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return fmt.Errorf("running %s: %w", e.Command[0], err)
	}
	said := errors.New(cmp.Or(text, "exit code "+fmt.Sprint(code)))
	switch code {
	case 0:
		if text != "" {
			health.Say(ctx, text)
		}
		return nil
	case 1:
		return health.Warning(said)
	case 2:
		return said
	case 3:
		return fmt.Errorf("unknown: %w", said)
	case -1:
		return fmt.Errorf("%s was ended: %s: %w", e.Command[0], exit.ProcessState, said)
	}
	return fmt.Errorf("exit code %d: %w", code, said)
}

// capped keeps the first bytes that are written to it and forgets the others.
type capped struct {
	buf  bytes.Buffer
	left int
}

func (c *capped) Write(p []byte) (int, error) {
	kept := p[:min(len(p), c.left)]
	c.left -= len(kept)
	c.buf.Write(kept)
	return len(p), nil
}
