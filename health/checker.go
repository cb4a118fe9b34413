package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Checker keeps checks and their results. The zero Checker is ready for use. Its fields
// must be set before the first check is added. All methods are safe for concurrent use.
//
// A check has at most one run at a time, in a goroutine and under a context of its own: a
// caller that goes away stops no run, and a check that hangs delays only those who wait for
// it. Results are read without a lock.
type Checker struct {
	// Log receives failures (at error level), panics and late returns. nil discards.
	Log *slog.Logger
	// MuteFailures keeps failures out of the log, but not panics.
	MuteFailures bool
	// Redact, if set, is applied to every text that comes from a check, before it is shown
	// or logged.
	Redact func(string) string
	// OnError, if set, may replace the error of a run by another one, or by nil, which is a
	// pass.
	OnError func(check string, err error) error

	mu        sync.Mutex                    // serializes changes of what follows
	cells     atomic.Pointer[[]*cell]       // in the order of registration
	base      context.Context               // of all runs; nil before the first
	stop      context.CancelCauseFunc       // ends base
	wake      chan struct{}                 // tells Run that there are new checks
	runs      sync.WaitGroup                // goroutines of runs and listeners
	ended     atomic.Bool                   // Close was called
	quit      atomic.Bool                   // Drain was called
	started   atomic.Bool                   // the group Startup has passed
	listeners atomic.Pointer[[]*subscriber] // see Listen
}

// New makes a Checker of checks, which may be in any order. The error joins everything that
// is wrong with them.
func New(checks ...Check) (*Checker, error) {
	c := &Checker{}
	if err := c.Add(checks...); err != nil {
		return nil, err
	}
	return c, nil
}

// Add adds checks: either all of them or, with an error, none. They may depend on each
// other and on checks that were added before.
func (c *Checker) Add(checks ...Check) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prepare()
	if c.ended.Load() {
		return errors.New("adding checks: the Checker is closed")
	}
	cells := slices.Clone(*c.cells.Load())
	names := map[string]bool{}
	all := make([]*Check, 0, len(cells)+len(checks))
	for _, known := range cells {
		names[known.check.Name] = true
		all = append(all, &known.check)
	}
	var faults []error
	for _, check := range checks {
		check = check.complete()
		faults = append(faults, check.faults()...)
		if names[check.Name] {
			faults = append(faults, fmt.Errorf("check %q: there is one of this name already", check.Name))
		}
		names[check.Name] = true
		added := newCell(c, check)
		cells, all = append(cells, added), append(all, &added.check)
	}
	if len(faults) == 0 {
		faults = dependencyFaults(all)
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	c.cells.Store(&cells)
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return nil
}

// prepare creates what the zero Checker lacks; mu is held.
func (c *Checker) prepare() {
	if c.base != nil {
		return
	}
	c.base, c.stop = context.WithCancelCause(context.Background())
	c.wake = make(chan struct{}, 1)
	c.cells.Store(&[]*cell{})
}

func (c *Checker) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// list is the checks in the order of registration.
func (c *Checker) list() []*cell {
	if list := c.cells.Load(); list != nil {
		return *list
	}
	return nil
}

func (c *Checker) find(name string) *cell {
	for _, known := range c.list() {
		if known.check.Name == name {
			return known
		}
	}
	return nil
}

// Names lists the checks in the order of registration.
func (c *Checker) Names() []string {
	list := c.list()
	names := make([]string, len(list))
	for i, known := range list {
		names[i] = known.check.Name
	}
	return names
}

// HasGroup reports whether some check counts in the group.
func (c *Checker) HasGroup(group string) bool {
	return slices.ContainsFunc(c.list(), func(known *cell) bool { return known.check.in(group) })
}

// Snapshot returns the status of all checks, in the order of registration. It runs nothing
// and waits for nothing.
func (c *Checker) Snapshot() []*Status {
	now := time.Now()
	list := c.list()
	all := make([]*Status, len(list))
	for i, known := range list {
		all[i] = known.status.Load().at(now)
	}
	return all
}

// Refresh starts the checks whose results have expired, and does not wait for them.
func (c *Checker) Refresh() {
	now := time.Now()
	for _, known := range c.list() {
		if !known.status.Load().fresh(now) {
			known.begin()
		}
	}
}

// Check runs the checks of a group (all checks for the group "") whose results have
// expired, concurrently, waits for them until ctx is done, and returns the status of the
// group's checks. If ctx ends early, the runs go on.
func (c *Checker) Check(ctx context.Context, group string) []*Status {
	now := time.Now()
	var cells []*cell
	var current []*run
	for _, known := range c.list() {
		if !known.check.in(group) {
			continue
		}
		cells = append(cells, known)
		if !known.status.Load().fresh(now) {
			current = append(current, known.begin())
		}
	}
	for _, f := range current {
		f.wait(ctx)
	}
	now = time.Now()
	all := make([]*Status, len(cells))
	for i, known := range cells {
		all[i] = known.status.Load().at(now)
	}
	return all
}

// CheckOne is Check for a single check; it reports whether there is one of that name.
func (c *Checker) CheckOne(ctx context.Context, name string) (status *Status, ok bool) {
	known := c.find(name)
	if known == nil {
		return nil, false
	}
	if !known.status.Load().fresh(time.Now()) {
		known.begin().wait(ctx)
	}
	return known.status.Load().at(time.Now()), true
}

// RunNow runs one check even if its result has not expired, or joins the run in progress,
// and waits for it until ctx is done.
func (c *Checker) RunNow(ctx context.Context, name string) (status *Status, ok bool) {
	known := c.find(name)
	if known == nil {
		return nil, false
	}
	known.begin().wait(ctx)
	return known.status.Load().at(time.Now()), true
}

// start starts a goroutine that Close waits for, unless Close was already called.
func (c *Checker) start(run func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.Load() {
		return false
	}
	c.runs.Go(run)
	return true
}

// Drain makes readiness fail from now on: the process is about to end.
func (c *Checker) Drain() { c.quit.Store(true) }

// Draining reports whether Drain was called.
func (c *Checker) Draining() bool { return c.quit.Load() }

// Close ends all runs and listeners, and waits for them until ctx is done. The error names
// the checks that did not return. A closed Checker runs nothing more; results stay.
func (c *Checker) Close(ctx context.Context) error {
	c.mu.Lock()
	c.prepare()
	c.ended.Store(true)
	c.stop(errors.New("the Checker was closed"))
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		c.runs.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	var hung []string
	for _, known := range c.list() {
		if known.running() {
			hung = append(hung, known.check.Name)
		}
	}
	return fmt.Errorf("closing the Checker: still running: %q: %w", hung, context.Cause(ctx))
}
