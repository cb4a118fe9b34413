package app

import (
	"context"
	"sync"
)

// restartable is something that runs, and can be ended and replaced; the zero value is none. Who
// only asks what runs does not wait for one that is ending.
type restartable[T interface{ Run(ctx context.Context) }] struct {
	mu   sync.Mutex // protects all following fields
	it   T
	stop context.CancelFunc // nil: nothing runs
	done chan struct{}
}

// begin runs it. Whatever ran before must have been ended.
func (p *restartable[T]) begin(ctx context.Context, it T) {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	p.mu.Lock()
	p.it, p.stop, p.done = it, stop, done
	p.mu.Unlock()
	go func() {
		defer close(done)
		it.Run(ctx)
	}()
}

// running is what runs, if anything does.
func (p *restartable[T]) running() (it T, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.it, p.stop != nil
}

// end waits until it has ended.
func (p *restartable[T]) end() {
	p.mu.Lock()
	stop, done := p.stop, p.done
	p.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	<-done
	p.mu.Lock()
	defer p.mu.Unlock()
	var none T
	p.it, p.stop, p.done = none, nil, nil
}
