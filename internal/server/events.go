package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/internal/journal"
)

// Events is what has happened to targets and checks, in order.
type Events interface {
	// Read gives events after one, oldest first; the error is journal.ErrBehind if they are
	// no longer kept.
	Read(after uint64, limit int) ([]journal.Event, error)
	// Head is the number of the last one; 0 for none.
	Head() uint64
	// Wait returns when there are events after one, or ctx is done.
	Wait(ctx context.Context, after uint64) error
}

const (
	maxEvents     = 1000 // of one answer
	defaultEvents = 100
	maxWait       = 60 // seconds
)

// eventQuery is which events a request asks for.
type eventQuery struct {
	after uint64
	given bool // after
	limit int
	wait  time.Duration
}

func (p *params) eventQuery(lastEventID string) (q eventQuery) {
	number := func(name, raw string) {
		if raw == "" {
			return
		}
		n, err := strconv.ParseUint(raw, 10, 64)
		if err != nil {
			p.fault(name, fmt.Sprintf("must be the number of an event, not %q", shortened(raw)))
		}
		q.after, q.given = n, true
	}
	number("after", p.one("after"))
	number("Last-Event-ID", lastEventID) // it is newer: that of a stream that was interrupted
	q.limit = p.number("limit", 1, maxEvents, defaultEvents)
	q.wait = time.Duration(p.number("wait", 0, maxWait, 0)) * time.Second
	return q
}

// events answers with what has happened: some of it, or all that follows as it happens.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	p := readParams(r)
	q := p.eventQuery(r.Header.Get("Last-Event-ID"))
	if fault := p.refused(); fault != nil {
		fault.write(w)
		return
	}
	w.Header().Add("Vary", "Accept")
	streamed := wantsStream(r.Header.Get("Accept"))
	if streamed || q.wait > 0 {
		leave, ok := s.watchers.enter(requester(r).Client)
		if !ok {
			w.Header().Set("Retry-After", "30")
			refuse(w, http.StatusTooManyRequests, fmt.Sprintf(
				"at most %d requests from one address, and %d in all, wait for events at a time", maxWatchersPerAddress, maxWatchers))
			return
		}
		defer leave()
	}
	if streamed {
		s.stream(w, r, q)
		return
	}
	s.listEvents(w, r, q)
}

// listEvents answers with some events, once there are any or the time to wait is over.
func (s *server) listEvents(w http.ResponseWriter, r *http.Request, q eventQuery) {
	if !q.given {
		q.after = s.newest(q.limit)
	}
	if q.wait > 0 {
		ctx, cancel := s.untilStopping(r.Context(), q.wait)
		_ = s.await(ctx, q.after) // what there is then is the answer
		cancel()
	}
	answer := api.Events{Events: []api.Event{}, Next: q.after}
	list, err := s.Events.Read(q.after, q.limit)
	switch behind, ok := errors.AsType[journal.ErrBehind](err); {
	case ok:
		answer.Reset, answer.Next = true, max(s.Events.Head(), behind.First-1)
	case err != nil:
		refuse(w, http.StatusInternalServerError, "the events cannot be read: "+err.Error())
		return
	}
	to := s.reader(r, false)
	for i := range list {
		answer.Events = append(answer.Events, viewEvent(&list[i], to))
		answer.Next = list[i].Seq
	}
	writeJSON(w, http.StatusOK, "application/json", answer)
}

// newest is after which event the last n are that are kept.
func (s *server) newest(n int) uint64 {
	head := s.Events.Head()
	after := head - min(head, uint64(n))
	_, err := s.Events.Read(after, 1)
	if behind, ok := errors.AsType[journal.ErrBehind](err); ok && behind.First > after && behind.First <= head {
		return behind.First - 1
	}
	return after
}

// await returns once there is something to say to whoever has seen the events up to one: the
// next, or that there are not so many. The error is that ctx is done before that.
func (s *server) await(ctx context.Context, after uint64) error {
	if after > s.Events.Head() {
		return nil
	}
	return s.Events.Wait(ctx, after)
}

// untilStopping is done after a time, or when the exporter stops.
func (s *server) untilStopping(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, most)
	if s.Stopping == nil {
		return ctx, cancel
	}
	unhook := context.AfterFunc(s.Stopping, cancel)
	return ctx, func() { unhook(); cancel() }
}

// viewEvent is an event as far as the reader may see it: reasons as on pages.
func viewEvent(e *journal.Event, to reader) api.Event {
	v := api.Event{Seq: e.Seq, Time: e.Time.UTC(), Kind: e.Kind, Name: e.Name, What: string(e.What), To: stateName(e.To)}
	if e.What == journal.StateChanged {
		v.From = stateName(e.From)
	}
	if e.Kind != kindCheck || to.details {
		v.Reason = redact.Text(e.Reason)
	}
	return v
}

// wantsStream reports whether an Accept header names server-sent events.
func wantsStream(accept string) bool {
	for each := range strings.SplitSeq(accept, ",") {
		media, _, _ := strings.Cut(each, ";")
		if strings.EqualFold(strings.TrimSpace(media), "text/event-stream") {
			return true
		}
	}
	return false
}
