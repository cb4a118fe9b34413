package app

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/alertmanager"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/internal/config"
)

// pushing runs the goroutines that depend on the configuration: pushing alerts, and
// telling that the exporter lives.
type pushing struct {
	mu     sync.Mutex // protects all following fields
	base   context.Context
	now    config.Alerting
	stop   context.CancelFunc
	work   sync.WaitGroup
	pusher *alertmanager.Pusher // nil for none
	beats  heartbeatState
}

// startPushing begins, and stopPushing ends it.
func (a *App) startPushing(ctx context.Context) {
	a.pushing.mu.Lock()
	defer a.pushing.mu.Unlock()
	a.pushing.base = ctx
	a.restartPushing(a.config.Load().Alerting)
}

func (a *App) stopPushing() {
	a.pushing.mu.Lock()
	defer a.pushing.mu.Unlock()
	a.haltPushing()
	a.pushing.base = nil
}

// adoptPushing puts another configuration in force, if it is another one.
func (a *App) adoptPushing(cfg config.Alerting) {
	a.pushing.mu.Lock()
	defer a.pushing.mu.Unlock()
	now := a.pushing.now
	if a.pushing.base != nil && (!slices.Equal(now.Alertmanagers, cfg.Alertmanagers) || now.ExternalURL != cfg.ExternalURL ||
		now.HeartbeatURL != cfg.HeartbeatURL || now.HeartbeatInterval != cfg.HeartbeatInterval) {
		a.restartPushing(cfg)
	}
}

// haltPushing ends what runs; mu is held.
func (a *App) haltPushing() {
	if a.pushing.stop != nil {
		a.pushing.stop()
		a.pushing.work.Wait()
		a.pushing.stop, a.pushing.pusher = nil, nil
	}
}

// restartPushing begins anew; mu is held.
func (a *App) restartPushing(cfg config.Alerting) {
	a.haltPushing()
	a.pushing.now = cfg
	ctx, stop := context.WithCancel(a.pushing.base)
	a.pushing.stop = stop
	if len(cfg.Alertmanagers) > 0 {
		saved, err := a.outbox.Kept()
		if err != nil {
			a.log.Error("what was told the Alertmanagers is not known any more", "err", err)
		}
		pusher := newPusher(cfg, *a.opts.Web.WebListenAddresses)
		pusher.Saved, pusher.Save, pusher.Log = saved, a.outbox.Keep, a.log
		a.pushing.pusher = pusher
		a.pushing.work.Go(func() {
			if err := pusher.Run(ctx, a.pushedSubjects, a.changed); err != nil && ctx.Err() == nil {
				a.log.Error("alerts cannot be pushed", "err", err)
			}
		})
	}
	if cfg.HeartbeatURL != "" {
		a.pushing.work.Go(func() { a.beatOutward(ctx, cfg.HeartbeatURL, cfg.HeartbeatInterval) })
	}
}

func (a *App) pushedSubjects() []alerting.Subject {
	list := a.subjects(time.Now())
	for i := range list {
		list[i].Error, list[i].Place, list[i].Response = redact.Text(list[i].Error), redact.Text(list[i].Place), nil
	}
	return list
}

// newPusher makes what pushes to the Alertmanagers of the configuration. addresses are
// those on which the exporter listens.
func newPusher(cfg config.Alerting, addresses []string) *alertmanager.Pusher {
	return &alertmanager.Pusher{URLs: cfg.Alertmanagers, Instance: instance(cfg, addresses)}
}

// instance is what the label instance is for alerts that are pushed.
func instance(cfg config.Alerting, addresses []string) string {
	if u, err := url.Parse(cfg.ExternalURL); err == nil && u.Host != "" {
		return u.Host
	}
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	if len(addresses) == 0 {
		return name
	}
	_, port, _ := net.SplitHostPort(addresses[0])
	return net.JoinHostPort(name, port)
}

// heartbeatState tells how it goes with the heartbeat outward.
type heartbeatState struct {
	mu     sync.Mutex
	failed string
	logged time.Time
}

// beatOutward asks a URL now and then, as long as all is well with the exporter, so
// that somebody notices when it is not.
func (a *App) beatOutward(ctx context.Context, at string, interval time.Duration) {
	client := heartbeatClient(interval)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	defer client.CloseIdleConnections()
	for {
		a.beatOnce(ctx, client, at)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func heartbeatClient(interval time.Duration) *http.Client {
	return &http.Client{Timeout: min(interval, 10*time.Second)}
}

func (a *App) beatOnce(ctx context.Context, client *http.Client, at string) {
	err := a.ready()
	if err == nil {
		err = ask(ctx, client, at)
	}
	if ctx.Err() != nil {
		return
	}
	b := &a.pushing.beats
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = ""
	if err != nil {
		b.failed = err.Error()
		if now := time.Now(); now.Sub(b.logged) >= time.Hour {
			b.logged = now
			a.log.Error("the heartbeat is not heard; this is said once an hour", "err", err)
		}
	}
}

func ask(ctx context.Context, client *http.Client, at string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return &statusError{resp.Status}
	}
	return nil
}

// statusError is an answer that is not good.
type statusError struct{ status string }

func (e *statusError) Error() string { return "the answer was " + e.status }
