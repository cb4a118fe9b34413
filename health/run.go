package health

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// cell is a check and its status.
type cell struct {
	checker *Checker
	check   Check
	status  atomic.Pointer[Status]

	mu      sync.Mutex
	current *run // the run under way, or the one that hangs; nil if none
}

// run is one run of a check.
type run struct {
	finished chan struct{} // closed when there is a result

	// guarded by the cell's mu
	done bool // there is a result: the run has returned, or its time is up
}

// wait waits for the result as long as ctx lasts.
func (f *run) wait(ctx context.Context) {
	select {
	case <-f.finished:
	case <-ctx.Done():
	}
}

func newCell(checker *Checker, check Check) *cell {
	c := &cell{checker: checker, check: check}
	c.status.Store(&Status{
		Check:  &c.check,
		Result: Result{Outcome: Reset, Reason: FailPending, Output: "there is no result yet"},
		Since:  time.Now(),
	})
	return c
}

func (c *cell) running() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current != nil
}

// begin begins a run, or gives the one that is under way. Of a run that hangs
// the result is there at once: it is the timeout.
func (c *cell) begin() *run {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil {
		return c.current
	}
	f := &run{finished: make(chan struct{})}
	if c.checker.start(func() { c.execute(f) }) {
		c.current = f
	} else {
		close(f.finished)
	}
	return f
}

// execute makes one run.
func (c *cell) execute(f *run) {
	told := &notes{}
	ctx, cancel := context.WithTimeout(context.WithValue(c.checker.base, notesKey{}, told), c.check.Timeout)
	defer cancel()
	began := time.Now()
	late := time.AfterFunc(c.check.Timeout, func() {
		c.publish(f, c.judge(began, told, &timeoutError{c.check.Timeout}), false)
	})
	err := c.call(ctx)
	late.Stop()
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = &timeoutError{c.check.Timeout}
	}
	if c.checker.ended.Load() {
		c.abandon(f)
		return
	}
	if took := time.Since(began); took > c.check.Timeout+time.Second {
		c.checker.log().Warn("health check returned after its timeout", "check", c.check.Name, "took", took)
	}
	c.publish(f, c.judge(began, told, err), true)
}

// errPanic is what a run ended with that did not return.
type errPanic struct{ value any }

func (e *errPanic) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// timeoutError is what a run ended with that took too long.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string { return "timeout after " + e.after.String() }
func (e *timeoutError) Timeout() bool { return true }
func (e *timeoutError) Unwrap() error { return context.DeadlineExceeded }

// call calls Run, once what the check depends on has passed. A panic and the end
// of the goroutine (runtime.Goexit) become errors.
func (c *cell) call(ctx context.Context) (err error) {
	if err := c.dependencies(ctx); err != nil {
		return err
	}
	// Goexit cannot be recovered from, so Run gets a goroutine of its own.
	result := make(chan error, 1)
	go func() {
		ended := error(&errPanic{"the check ended its goroutine"})
		defer func() {
			if v := recover(); v != nil {
				c.checker.log().Error("health check panicked", "check", c.check.Name, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				ended = &errPanic{v}
			}
			result <- ended
		}()
		ended = c.check.Run(ctx)
	}()
	return <-result
}

// errDependency is why a check was not run.
type errDependency struct{ name string }

func (e *errDependency) Error() string { return fmt.Sprintf("not run, since %q does not pass", e.name) }

func (c *cell) dependencies(ctx context.Context) error {
	for _, name := range c.check.DependsOn {
		status, ok := c.checker.CheckOne(ctx, name)
		if !ok || status.Result.Outcome == Fail || status.Result.Outcome == Reset {
			return &errDependency{name}
		}
	}
	return nil
}
