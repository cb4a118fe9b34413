package checks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Part is one of the checks that a Composite is made of.
type Part struct {
	// Name is what the part is called in the output of the Composite.
	Name string
	// Run is as that of a health.Check. Its output is dropped; its measurements become
	// those of the Composite.
	Run func(ctx context.Context) error
}

// Composite passes if enough of its parts do: two of three name servers, any of the
// mail servers. It warns if it passes only thanks to parts that warn.
type Composite struct {
	// Need is how many parts must pass; 0 means all of them.
	Need int
	// Parts are run concurrently. At least one.
	Parts []Part
}

// All passes if all parts do.
func All(parts ...Part) Composite { return Composite{Parts: parts} }

// Any passes if one part does.
func Any(parts ...Part) Composite { return Composite{Need: 1, Parts: parts} }

// Quorum passes if more than half of the parts do.
func Quorum(parts ...Part) Composite { return Composite{Need: len(parts)/2 + 1, Parts: parts} }

// Check reports what is wrong with the options.
func (c Composite) Check() error {
	faults := []error{
		require(len(c.Parts) > 0, "Parts", "", "a list of one part at least"),
		require(c.Need >= 0 && c.Need <= max(1, len(c.Parts)), "Need", c.Need, fmt.Sprintf("0 to %d, the number of parts", len(c.Parts))),
	}
	for i, part := range c.Parts {
		faults = append(faults,
			require(part.Name != "", fmt.Sprintf("Parts[%d].Name", i), part.Name, "set"),
			require(part.Run != nil, fmt.Sprintf("Parts[%d].Run", i), "", "set"))
	}
	return errors.Join(faults...)
}

// errEnough ends the parts whose result no longer counts.
var errEnough = errors.New("enough of the others pass")

// Run runs all parts. As soon as enough of them pass, it ends the others; it ends all of
// them when three quarters of ctx's time are over, so that there is time left to report. It
// waits for every part, each of which must return when its context is done. A part that
// panics has failed.
func (c Composite) Run(ctx context.Context) error {
	if err := c.Check(); err != nil {
		return err
	}
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		within, stop = context.WithTimeout(within, time.Until(deadline)*3/4)
		defer stop()
	}
	var clean atomic.Int64
	results := make([]error, len(c.Parts))
	var wait sync.WaitGroup
	for i, part := range c.Parts {
		wait.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					results[i] = fmt.Errorf("panic: %v", v)
				}
			}()
			results[i] = errors.New("the part ended its goroutine") // unless it returns
			results[i] = part.Run(within)
			switch {
			case results[i] == nil:
				if clean.Add(1) == int64(c.need()) {
					cancel(errEnough)
				}
			case errors.Is(results[i], context.Canceled) && errors.Is(context.Cause(within), errEnough):
				results[i] = errEnough // it was ended before it had a result
			}
		})
	}
	wait.Wait()
	return c.judge(ctx, results)
}

func (c Composite) need() int {
	if c.Need == 0 {
		return len(c.Parts)
	}
	return c.Need
}

func (c Composite) judge(ctx context.Context, results []error) error {
	need := c.need()
	clean, passed := 0, 0
	var bad []string
	for i, err := range results {
		switch {
		case err == nil:
			clean, passed = clean+1, passed+1
			continue
		case errors.Is(err, errEnough):
			continue
		case health.IsWarning(err):
			passed++
		}
		bad = append(bad, fmt.Sprintf("%s: %s", c.Parts[i].Name, err))
	}
	health.Observe(ctx, "passed", passed, "checks")
	text := fmt.Sprintf("%d of %d pass, %d must", passed, len(c.Parts), need)
	if len(bad) > 0 {
		text += "; " + strings.Join(bad, "; ")
	}
	health.Say(ctx, text) // also in place of the output of the parts
	switch {
	case passed < need:
		return errors.New(text)
	case clean < need:
		return health.Warning(errors.New(text))
	}
	return nil
}
