package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// heartbeat requests a URL regularly, as long as the exporter works, so that
// somebody notices when it does not.
type heartbeat struct {
	log   *slog.Logger
	begun <-chan struct{} // closed once all parts have begun: before that nothing is told; nil for at once
	ready func() error

	mu     sync.Mutex // protects all following fields
	failed string
	logged time.Time
}

// run beats until ctx is done.
func (h *heartbeat) run(ctx context.Context, at string, interval time.Duration) {
	if h.begun != nil {
		select {
		case <-ctx.Done():
			return
		case <-h.begun:
		}
	}
	client := heartbeatClient(interval)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	defer client.CloseIdleConnections()
	for {
		h.beat(ctx, client, at)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func heartbeatClient(interval time.Duration) *http.Client {
	return &http.Client{Timeout: min(interval, 10*time.Second), CheckRedirect: func(req *http.Request, via []*http.Request) error {
		req.Header.Del("Referer") // nobody else need know the URL
		if len(via) >= 10 {
			return errors.New("stopped after 10 redirects")
		}
		return nil
	}}
}

// hostOf is what may be shown of a URL that is a secret.
func hostOf(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return "a URL that is none"
	}
	return u.Scheme + "://" + u.Host
}

func (h *heartbeat) beat(ctx context.Context, client *http.Client, at string) {
	err := h.ready()
	if err == nil {
		err = ask(ctx, client, at)
	}
	if ctx.Err() != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = ""
	if err != nil {
		h.failed = err.Error()
		if now := time.Now(); now.Sub(h.logged) >= time.Hour {
			h.logged = now
			h.log.Error("the heartbeat cannot be delivered; this is logged once an hour", "err", err)
		}
	}
}

// problem is why the last beat was not received; empty if it was.
func (h *heartbeat) problem() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed != "" {
		return "the heartbeat cannot be delivered: " + h.failed
	}
	return ""
}

func ask(ctx context.Context, client *http.Client, at string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return errors.New("the URL is not valid")
	}
	resp, err := client.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err // without the URL: who knows it may use it
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return &statusError{resp.Status}
	}
	return nil
}

// statusError is an answer with a status other than success.
type statusError struct{ status string }

func (e *statusError) Error() string { return "the answer was " + e.status }
