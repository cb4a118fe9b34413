package alertmanager

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// longestLook is how often the subjects are looked at when nothing changes. Some
// alerts begin or end with time alone.
const longestLook = 15 * time.Second

// Run pushes until ctx is done, and returns when all its goroutines are gone. It looks at
// subjects soon after Take or Begin was given something, and now and then. When it ends
// nothing is declared over: the alerts are told once more, and go on firing for an hour.
func (a *Pusher) Run(ctx context.Context) error {
	if err := a.Check(); err != nil {
		return fmt.Errorf("pushing to Alertmanager: %w", err)
	}
	log := a.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a.restore()
	if a.damage != nil {
		log.Error("some alerts are forgotten", "err", a.damage)
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
	stories := a.watch(ctx, log)
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
func (a *Pusher) watch(ctx context.Context, log *slog.Logger) []story {
	ticker := time.NewTicker(min(longestLook, a.resend()))
	defer ticker.Stop()
	var (
		stories  []story
		lastFull time.Time
		complain complaint
	)
	for ctx.Err() == nil {
		now := time.Now()
		stories = a.memory.look(a.next(), a.Instance, now, a.retention())
		if err := a.save(); err == nil {
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
		a.awaitNews(ctx, ticker.C)
	}
	return stories
}

// awaitNews lets the gap pass, and then waits for something to happen.
func (a *Pusher) awaitNews(ctx context.Context, tick <-chan time.Time) {
	pause := time.NewTimer(a.gap())
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return
	case <-pause.C:
	}
	select {
	case <-ctx.Done():
	case <-tick:
	case <-a.news:
	}
}

// save keeps what has changed. What could not be kept is tried again with the next.
func (a *Pusher) save() error {
	if a.Save == nil || len(a.memory.changed) == 0 {
		return nil
	}
	parts, err := a.memory.changes()
	if err != nil {
		return err
	}
	err = a.Save(parts)
	if err != nil {
		for key := range parts {
			a.memory.note(key)
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
