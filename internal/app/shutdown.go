package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// shutdownTimeout is how long the end may take after the drain delay. Who stops
	// programs kills them later: some after ten seconds, and five is what we promise.
	shutdownTimeout = 4500 * time.Millisecond
	// requestTimeout is how much of it requests under way have, and mails and alerts have
	// no more.
	requestTimeout = 3 * time.Second
)

// untilTold waits until the program is to end, or cannot serve. Then it says that it is
// not ready, saves what there is, and lets the drain delay pass.
func (a *App) untilTold(ctx context.Context) error {
	select {
	case err := <-a.serving.failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	a.serving.setNotReady(errors.New("shutting down"))
	a.log.Info("shutting down", "cause", context.Cause(ctx).Error(), "drain_delay", a.opts.DrainDelay)
	drained := time.After(a.opts.DrainDelay)
	if err := a.saveStates(); err != nil { // whatever happens from now on
		a.log.Error("states could not be saved; this is tried again at the end", "err", err)
	}
	a.finding.withdraw()
	select {
	case <-drained:
	case <-a.opts.Hurry:
	case err := <-a.serving.failed:
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

// shutDown ends everything, and gives up on what does not end in time: the states are
// saved, and files survive without being closed.
func (a *App) shutDown(ctx context.Context, err error, stop context.CancelCauseFunc, work *sync.WaitGroup) error {
	bounded, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- a.end(stop, work) }()
	select {
	case last := <-ended:
		return errors.Join(err, last)
	case <-bounded.Done():
	}
	a.log.Warn("something does not end, and is left alone", "after", shutdownTimeout)
	return errors.Join(err, a.saveStates())
}

// saveStates saves all states as they are now.
func (a *App) saveStates() error {
	return a.saver.saveAll()
}

// end ends everything, in order.
func (a *App) end(stop context.CancelCauseFunc, work *sync.WaitGroup) error {
	stop(errors.New("shutting down"))
	work.Wait()
	return a.parts.close()
}
