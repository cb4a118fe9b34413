package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Register registers an App with the exporter that the environment names, or that is
// found on the local network, and keeps it registered.
func Register(ctx context.Context, app App) (*Registration, error) {
	return new(Client).Register(ctx, app)
}

// Registration is a program that is registered, or being registered.
type Registration struct {
	client *Client // a copy that remembers where the exporter is
	place  *remembered
	app    App
	stop   context.CancelFunc
	ended  chan struct{} // closed when the goroutine that renews it has ended

	mu    sync.Mutex
	known bool
	err   error
	first chan struct{} // closed when it is registered for the first time
}

// Register registers an App and keeps it registered until Stop, or until ctx is
// done (which does not unregister it). The error says what is wrong with the App, or
// why the exporter refuses it. An exporter that is not there yet, or cannot be
// reached, is not an error: it is tried again, with growing pauses.
func (c *Client) Register(ctx context.Context, app App) (*Registration, error) {
	if err := app.Validate(); err != nil {
		return nil, fmt.Errorf("registering %q: %w", app.Name, err)
	}
	own, place := *c, &remembered{finder: c.finder()}
	own.Finder = place
	r := &Registration{client: &own, place: place, app: app, ended: make(chan struct{}), first: make(chan struct{})}
	err := r.register(ctx)
	if err != nil && !retryable(err) {
		return nil, fmt.Errorf("registering %q: %w", app.Name, err)
	}
	if err != nil {
		c.log().Warn("not registered with the exporter yet", "app", app.Name, "err", err)
	}
	ctx, r.stop = context.WithCancel(ctx)
	go func() {
		defer close(r.ended)
		r.keep(ctx)
	}()
	return r, nil
}

// retryable reports whether an error may go away by itself.
func retryable(err error) bool {
	refused, ok := errors.AsType[*Refusal](err)
	return !ok || refused.temporary()
}

// register makes the request, twice if need be.
func (r *Registration) register(ctx context.Context) error {
	var target Target
	_, err := r.client.do(ctx, http.MethodPost, "", "", r.app.registration(), &target)
	if err != nil && retryable(err) && ctx.Err() == nil && !errors.Is(err, ErrNotFound) {
		_, err = r.client.do(ctx, http.MethodPost, "", "", r.app.registration(), &target)
	}
	for _, warning := range target.Warnings {
		r.client.log().Warn("the exporter warns", "app", r.app.Name, "field", warning.Field, "detail", warning.Detail)
	}
	r.note(err)
	return err
}

func (r *Registration) note(err error) {
	if err != nil && retryable(err) {
		r.place.forget() // it may be elsewhere by now
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	if err == nil && !r.known {
		r.known = true
		close(r.first)
	}
}

// every is how often the registration is checked: with a lease often enough that
// two attempts to renew it may fail.
func (r *Registration) every() time.Duration {
	recheck := r.client.Recheck
	if recheck <= 0 {
		recheck = DefaultRecheck
	}
	if r.app.TTL > 0 {
		recheck = min(recheck, r.app.TTL/3)
	}
	return recheck
}

// keep checks and renews the registration.
func (r *Registration) keep(ctx context.Context) {
	recheck := r.every()
	pause := firstPause
	for {
		wait := pause
		if r.Err() == nil {
			wait, pause = recheck, firstPause
		} else {
			pause = min(2*pause, recheck)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(jitter(wait)):
		}
		r.recheck(ctx)
	}
}

const firstPause = time.Second

// jitter spreads what many programs do at the same time: by up to a fifth.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/5+1))
}

// recheck registers again if the exporter has lost us, and renews the lease if there is
// one. It asks first: registering would resume what somebody has paused.
func (r *Registration) recheck(ctx context.Context) {
	before := r.Err()
	err := r.look(ctx)
	if ctx.Err() != nil {
		return
	}
	switch {
	case err == nil && before != nil:
		r.client.log().Info("registered with the exporter", "app", r.app.Name)
	case err != nil && (before == nil || before.Error() != err.Error()):
		r.client.log().Warn("not registered with the exporter, as far as can be told", "app", r.app.Name, "err", err)
	}
}

func (r *Registration) look(ctx context.Context) error {
	r.mu.Lock()
	known := r.known
	r.mu.Unlock()
	if known {
		method, action := http.MethodGet, ""
		if r.app.TTL > 0 {
			method, action = http.MethodPost, "renew"
		}
		_, err := r.client.do(ctx, method, r.app.Name, action, nil, nil)
		if !gone(err) && !(action != "" && noLease(err)) {
			r.note(err)
			return err
		}
	}
	return r.register(ctx)
}

// Err is why the program is not registered at the moment; nil if it is.
func (r *Registration) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Wait waits until the program is registered for the first time, or ctx is done.
func (r *Registration) Wait(ctx context.Context) error {
	select {
	case <-r.first:
		return nil
	case <-ctx.Done():
		if err := r.Err(); err != nil {
			return err
		}
		return ctx.Err()
	}
}

// stopTimeout is how long Stop tries.
const stopTimeout = time.Second

// Stop unregisters the program, within a second. It is not an error if it is not
// registered. Further calls do nothing.
func (r *Registration) Stop(ctx context.Context) error {
	r.stop()
	<-r.ended
	r.mu.Lock()
	known := r.known
	r.known = false
	r.mu.Unlock()
	if !known {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if _, err := r.client.do(ctx, http.MethodDelete, r.app.Name, "", nil, nil); err != nil && !gone(err) {
		return fmt.Errorf("unregistering %q: %w", r.app.Name, err)
	}
	return nil
}

// Pause keeps the exporter from probing until Resume.
func (r *Registration) Pause(ctx context.Context) (*Target, error) { return r.act(ctx, "pause") }

// Resume ends a Pause; the state begins anew.
func (r *Registration) Resume(ctx context.Context) (*Target, error) { return r.act(ctx, "resume") }

func (r *Registration) act(ctx context.Context, action string) (*Target, error) {
	var t Target
	if _, err := r.client.do(ctx, http.MethodPost, r.app.Name, action, nil, &t); err != nil {
		return nil, fmt.Errorf("%q: %s: %w", r.app.Name, action, err)
	}
	return &t, nil
}

// Info is what the exporter knows about the program.
func (r *Registration) Info(ctx context.Context) (*Target, error) {
	return r.client.Target(ctx, r.app.Name)
}

// Target is what the exporter knows about any program.
func (c *Client) Target(ctx context.Context, app string) (*Target, error) {
	var t Target
	if _, err := c.do(ctx, http.MethodGet, app, "", nil, &t); err != nil {
		return nil, fmt.Errorf("asking about %q: %w", app, err)
	}
	return &t, nil
}
