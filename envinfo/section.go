package envinfo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// section is a named function that is asked for what it has to show, by one
// goroutine at a time.
type section struct {
	name    string
	content func(context.Context) (any, error)

	mu      sync.Mutex
	current *inquiry // guarded by mu; the one that has not returned yet
}

// inquiry is one call of a section's function. Whoever asks meanwhile waits for
// the same.
type inquiry struct {
	begin  time.Time
	done   chan struct{} // closed when the fields below are set
	answer any
	err    error
}

// ask is the content, or the reason why there is none. It takes no longer than
// the limit, counted from when the function was called: one that hangs is not
// waited for again, and costs one goroutine, however often it is asked.
func (s *section) ask(ctx context.Context, limit time.Duration) any {
	q := s.join(ctx, limit)
	timer := time.NewTimer(time.Until(q.begin.Add(limit)))
	defer timer.Stop()
	select {
	case <-q.done:
	case <-timer.C:
		return failure(fmt.Errorf("no answer after %v", limit))
	case <-ctx.Done():
		return failure(context.Cause(ctx))
	}
	if q.err != nil {
		return failure(q.err)
	}
	return q.answer
}

// join starts the function unless it runs. It runs in a context of its own: that
// one caller goes away must not fail the others.
func (s *section) join(ctx context.Context, limit time.Duration) *inquiry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		return s.current
	}
	q := &inquiry{begin: time.Now(), done: make(chan struct{})}
	s.current = q
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		defer s.finish(q)
		q.err = errors.New("the section ended its goroutine") // runtime.Goexit
		q.answer, q.err = guarded(ctx, s.content)
	}()
	return q
}

func (s *section) finish(q *inquiry) {
	s.mu.Lock()
	s.current = nil
	s.mu.Unlock()
	close(q.done)
}

// guarded turns a panic into an error.
func guarded(ctx context.Context, content func(context.Context) (any, error)) (answer any, err error) {
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, fmt.Errorf("panic: %s", redact.Printed(p))
		}
	}()
	return content(ctx)
}
