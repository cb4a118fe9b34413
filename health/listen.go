package health

import "sync/atomic"

// Event is one finished run of a check.
type Event struct {
	Status *Status
	// Before is the verdict before the run; the one after it is Status.State.Verdict.
	Before Verdict
}

// Changed reports whether the run has changed the check's verdict.
func (e Event) Changed() bool { return e.Before != e.Status.State.Verdict }

// Listener receives events.
type Listener struct{ s *subscriber }

// Dropped is how many events were lost because the listener was too slow.
func (l *Listener) Dropped() uint64 { return l.s.dropped.Load() }

// subscriber is a listener with its queue.
type subscriber struct {
	queue   chan Event
	dropped atomic.Uint64
}

// maxEvents is how many events wait for a listener; further ones are dropped.
const maxEvents = 256

// Listen registers a function to be called after each run, one event at a time, in the
// order of the runs of each check. A listener that is slow or blocks delays nothing else:
// events beyond its queue are dropped and counted. It is called until Close.
func (c *Checker) Listen(listener func(Event)) *Listener {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prepare()
	s := &subscriber{queue: make(chan Event, maxEvents)}
	var list []*subscriber
	if listeners := c.listeners.Load(); listeners != nil {
		list = append(list, *listeners...)
	}
	list = append(list, s)
	c.listeners.Store(&list)
	if c.ended.Load() {
		return &Listener{s}
	}
	c.runs.Go(func() {
		for {
			select {
			case e := <-s.queue:
				c.deliver(listener, e)
			case <-c.base.Done():
				return
			}
		}
	})
	return &Listener{s}
}

// deliver calls a listener, whose panic is its own.
func (c *Checker) deliver(listener func(Event), e Event) {
	defer func() {
		if v := recover(); v != nil {
			c.log().Error("a listener to health checks panicked", "check", e.Status.Check.Name, "panic", v)
		}
	}()
	listener(e)
}

// tell queues an event for all listeners.
func (c *Checker) tell(e Event) {
	listeners := c.listeners.Load()
	if listeners == nil {
		return
	}
	for _, s := range *listeners {
		select {
		case s.queue <- e:
		default:
			s.dropped.Add(1)
		}
	}
}
