package health

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// DefaultDrain is how long Serve goes on after readiness has turned red.
const DefaultDrain = 5 * time.Second

// Serve listens and serves until ctx is done (signal.NotifyContext makes such a
// context of SIGTERM), then lets the program end in order: readiness fails at
// once; for the time of drain everything is served still, so that load balancers
// notice; then requests under way are finished, for as long as drain again, and the
// Checker is closed. Background checks run all the while. A drain of 0 means
// DefaultDrain, a negative one none.
//
// To stop without waiting, close the server, which ends all that at once. With
// context.AfterFunc(ctx, stop), where stop is that of signal.NotifyContext, a second
// signal ends the program at once.
func Serve(ctx context.Context, server *http.Server, checker *Checker, drain time.Duration) error {
	if drain == 0 {
		drain = DefaultDrain
	}
	drain = max(0, drain)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	checking := make(chan struct{})
	go func() {
		defer close(checking)
		_ = checker.Run(background) // it ends because it is told to
	}()
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		checker.Drain()
		select {
		case <-time.After(drain):
		case err := <-failed: // somebody has closed the server: nothing is left to wait for
			failed <- err
		}
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(drain, time.Second))
		err = server.Shutdown(ending)
		cancel()
		if listening := <-failed; !errors.Is(listening, http.ErrServerClosed) {
			err = errors.Join(err, listening)
		}
	}
	stop()
	<-checking
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err = errors.Join(err, checker.Close(ending))
	if err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
