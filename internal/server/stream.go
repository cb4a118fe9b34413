package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/health-exporter/health_exporter/internal/journal"
)

const (
	// streamLasts is how long a stream goes on; then the browser asks again, and so it is
	// looked anew at whether it may.
	streamLasts = 15 * time.Minute
	// heartbeat is after how much silence something is sent, so that proxies, and we, see that
	// somebody is there.
	heartbeat = 15 * time.Second
	// patience is how long a reader may take for a piece.
	patience = 10 * time.Second
	// eventsAtOnce is how many events are sent in a piece.
	eventsAtOnce = 200
)

// stream sends what happens as it happens, as server-sent events, until the reader is gone
// or too slow, or the exporter stops.
func (s *server) stream(w http.ResponseWriter, r *http.Request, q eventQuery) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep the events until there are many
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	control := http.NewResponseController(w)
	send := func(text []byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(patience)) // net/http has deadlines, a test may not
		_, err := w.Write(text)
		return err == nil && control.Flush() == nil
	}
	after, to := q.after, s.reader(r, false)
	if !q.given {
		after = s.Events.Head()
	}
	// The first piece says where the stream begins, for whoever is interrupted before anything happens.
	if !send(fmt.Appendf(nil, "retry: 5000\nid: %d\n\n", after)) {
		return
	}
	ctx, cancel := s.untilStopping(r.Context(), streamLasts)
	defer cancel()
	for ctx.Err() == nil {
		waiting, awake := context.WithTimeout(ctx, heartbeat)
		err := s.await(waiting, after)
		awake()
		piece := []byte(": still here\n\n")
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			piece, after, err = s.piece(after, to)
			if err != nil {
				s.Log.Error("events cannot be read", "err", err)
				return
			}
		}
		if !send(piece) {
			return
		}
	}
}

// piece is what is sent next: events, or that the reader is behind and is to look how
// things are now.
func (s *server) piece(after uint64, to reader) (text []byte, last uint64, err error) {
	list, err := s.Events.Read(after, eventsAtOnce)
	if behind, ok := errors.AsType[journal.ErrBehind](err); ok {
		last = max(s.Events.Head(), behind.First-1)
		return fmt.Appendf(nil, "event: reset\nid: %d\ndata: {\"next\":%d}\n\n", last, last), last, nil
	}
	var b bytes.Buffer
	last = after
	for i := range list {
		data, err := json.Marshal(viewEvent(&list[i], to))
		if err != nil {
			return nil, after, err
		}
		fmt.Fprintf(&b, "id: %d\ndata: %s\n\n", list[i].Seq, data)
		last = list[i].Seq
	}
	return b.Bytes(), last, err
}
