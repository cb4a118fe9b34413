package alertmanager

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
)

// longestLook is how often the subjects are looked at when nothing changes. Some
// alerts begin or end with time alone.
const longestLook = 15 * time.Second

// Run pushes until ctx is done, and returns when all its goroutines are gone. It
// calls source for the subjects as they are now, soon after there is something in
// changed and now and then; it must not be started before source knows all of them,
// since who is missing counts as unregistered. When it ends nothing is declared over:
// the alerts are sent once more, and go on firing for an hour.
func (a *Pusher) Run(ctx context.Context, source func() []alerting.Subject, changed <-chan struct{}) error {
	if err := a.Check(); err != nil {
		return fmt.Errorf("pushing to Alertmanager: %w", err)
	}
	log := a.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	memory := new(Memory)
	if err := memory.restore(a.Saved); err != nil {
		log.Error("some alerts are forgotten", "err", err)
	}

	var instances []*instance
	for _, u := range a.URLs {
		client := a.client(u)
		defer client.CloseIdleConnections()
		instances = append(instances, newInstance(a, u, client, log))
	}
	a.mu.Lock()
	a.instances = instances
	a.mu.Unlock()

	// What is under way when ctx is done may be finished, within limits.
	posting, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var work sync.WaitGroup
	for _, i := range instances {
		work.Go(func() { i.run(posting) })
	}
	stories := a.watch(ctx, source, changed, memory, log)
	deadline := time.AfterFunc(a.farewell(), stop)
	defer deadline.Stop()
	for _, i := range instances {
		i.offer(pushRound{stories: stories, full: true, last: true})
		close(i.rounds)
	}
	work.Wait()
	return nil
}

// watch looks at the subjects again and again, and offers the stories to all
// instances. It returns the last ones when ctx is done.
func (a *Pusher) watch(ctx context.Context, source func() []alerting.Subject, changed <-chan struct{}, memory *Memory, log *slog.Logger) []story {
	ticker := time.NewTicker(min(longestLook, a.resend()))
	defer ticker.Stop()
	var (
		stories  []story
		lastFull time.Time
		complain complaint
	)
	for ctx.Err() == nil {
		now := time.Now()
		stories = memory.look(source(), a.Instance, now, a.retention())
		if err := a.save(memory); err == nil {
			complain.end()
		} else if complain.due("saving", now) {
			log.Error("what was sent to Alertmanager cannot be saved", "err", err)
		}
		r := pushRound{stories: stories, full: lastFull.IsZero() || now.Sub(lastFull) >= a.resend()}
		if r.full {
			lastFull = now
		}
		a.mu.Lock()
		a.stories = stories
		a.mu.Unlock()
		for _, i := range a.instances { // only Run changes it
			i.offer(r)
		}
		changed = awaitNews(ctx, a.gap(), ticker.C, changed)
	}
	return stories
}

// awaitNews lets the gap pass, and then waits for something to happen. It gives changed
// back, or nil when that was closed.
func awaitNews(ctx context.Context, gap time.Duration, tick <-chan time.Time, changed <-chan struct{}) <-chan struct{} {
	pause := time.NewTimer(gap)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return changed
	case <-pause.C:
	}
	select {
	case <-ctx.Done():
	case <-tick:
	case _, open := <-changed:
		if !open {
			return nil
		}
	}
	return changed
}

// save keeps what has changed. What could not be kept is tried again with the next.
func (a *Pusher) save(memory *Memory) error {
	if a.Save == nil || len(memory.changed) == 0 {
		return nil
	}
	parts, err := memory.changes()
	if err != nil {
		return err
	}
	err = a.Save(parts)
	if err != nil {
		for key := range parts {
			memory.note(key)
		}
	}
	return err
}

// client makes the client of all requests to a URL. Redirects are not followed.
func (a *Pusher) client(to string) *http.Client {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if client.Transport = a.Transports[to]; client.Transport != nil {
		return client
	}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		client.Transport = t.Clone()
	}
	return client
}

// complaint keeps a fault that lasts from filling the log: it is logged once an hour,
// and at most once a minute if it comes and goes.
type complaint struct {
	what string // what was told last
	at   time.Time
	over bool // it has gone since
	open bool // it was told, and not that it is over
}

// due reports whether to tell it now. what is its kind, not its text, which may have a
// port number in it that is another one each time.
func (c *complaint) due(what string, now time.Time) bool {
	quiet := time.Hour
	if c.over || what != c.what {
		quiet = time.Minute
	}
	if !c.at.IsZero() && now.Sub(c.at) < quiet {
		return false
	}
	*c = complaint{what: what, at: now, open: true}
	return true
}

// end reports whether to tell that it is over.
func (c *complaint) end() bool {
	open := c.open
	c.over, c.open = true, false
	return open
}
