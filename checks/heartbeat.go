package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Heartbeat fails if Beat was not called for too long: a dead man's switch for what
// runs elsewhere or from time to time, such as cron jobs. All methods are safe for
// concurrent use.
//
// Before the first beat Run passes, for as long as it would wait for the next one.
type Heartbeat struct {
	every, grace time.Duration

	mu      sync.Mutex // protects all following fields
	began   time.Time
	last    time.Time // zero before the first beat
	excused time.Duration
}

// NewHeartbeat makes a Heartbeat that expects a beat at least once in an interval, and
// waits for a grace beyond that, which may be 0. last is what LastBeat returned before a
// restart of the program, so that a restart hides no missing beat; or zero.
func NewHeartbeat(every, grace time.Duration, last time.Time) (*Heartbeat, error) {
	now := time.Now()
	err := errors.Join(
		require(every > 0, "every", every, "more than 0"),
		require(grace >= 0, "grace", grace, "0 or more"))
	if err != nil {
		return nil, err
	}
	if last.After(now) {
		last = now // the clock was set back meanwhile: a beat of the future would hide missing ones
	}
	return &Heartbeat{every: every, grace: grace, began: now, last: last}, nil
}

// Beat records a beat.
func (h *Heartbeat) Beat() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.excused = time.Now(), 0
}

// Since returns since when a beat has been awaited, and when the last one was, for Restore.
func (h *Heartbeat) Since() (began, last time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.began, h.last
}

// Restore takes over what Since returned before a restart of the program, so that a restart
// hides no missing beat. A time that is zero or in the future changes nothing.
func (h *Heartbeat) Restore(began, last time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !began.IsZero() && began.Before(h.began) {
		h.began = began
	}
	if last.After(h.last) && !last.After(time.Now()) {
		h.last = last
	}
}

// Excuse subtracts a time in which no beat could arrive, because the program did not run,
// from the time since the last beat.
func (h *Heartbeat) Excuse(deaf time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.excused += deaf
}

// LastBeat is when Beat was called last; zero if it never was.
func (h *Heartbeat) LastBeat() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// Run fails if the last beat is too long ago.
func (h *Heartbeat) Run(ctx context.Context) error {
	h.mu.Lock()
	began, last, excused, now := h.began, h.last, h.excused, time.Now()
	h.mu.Unlock()
	if last.IsZero() {
		if since(began, now)-excused <= h.every+h.grace {
			health.Say(ctx, "no beat yet")
			return nil
		}
		return fmt.Errorf("no beat yet, although one was due every %s", h.every)
	}
	silent := since(last, now) - excused
	health.Observe(ctx, "silence", silent.Seconds(), "seconds")
	text := fmt.Sprintf("last beat %s ago", silent.Round(time.Second))
	switch {
	case silent > h.every+h.grace:
		return fmt.Errorf("%s, although one was due every %s", text, h.every)
	case silent > h.every:
		return health.Warning(fmt.Errorf("%s: late, within the grace of %s", text, h.grace))
	}
	health.Say(ctx, text)
	return nil
}

// since is the larger of what the wall clock and the monotonic clock say:
// either may stand still, or be set back.
func since(t, now time.Time) time.Duration {
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}

// Heartbeats are Heartbeats by name, and a handler that beats: POST to a path whose
// last part (or wildcard {id}) is the name. It answers 204, or 404 for a name that
// is not there. Mount it where the callers are known: anybody who reaches it can
// keep a dead job alive.
//
//	mux.Handle("/api/v1/beat/{id}", heartbeats)
type Heartbeats map[string]*Heartbeat

// ServeHTTP beats.
func (h Heartbeats) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		problem(w, http.StatusMethodNotAllowed, "a beat is a POST request")
		return
	}
	id := r.PathValue("id")
	if id == "" {
		id = path.Base(r.URL.Path)
	}
	beat := h[id]
	if beat == nil {
		problem(w, http.StatusNotFound, "there is no heartbeat of this name")
		return
	}
	beat.Beat()
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// problem answers in the format of RFC 9457.
func problem(w http.ResponseWriter, code int, title string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(struct { // the caller may have gone
		Status int    `json:"status"`
		Title  string `json:"title"`
	}{code, title})
}
