package prober

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"golang.org/x/net/http2"
)

// maxTries is how often a request is made to a peer that speaks HTTP/2 or HTTP/3 and rejects
// it unprocessed. net/http would ask, and connect, until the deadline.
const maxTries = 2

var (
	errSentAway = because(ReasonConnect, errors.New("peer has refused the request twice (HTTP/2: REFUSED_STREAM or GOAWAY, HTTP/3: H3_REQUEST_REJECTED or GOAWAY)"))
	errRejected = because(ReasonConnect, errors.New("peer has refused the request (HTTP/3: H3_REQUEST_REJECTED or GOAWAY)"))
)

// tries counts how often one request is begun, be it by us or by net/http.
type tries struct {
	dials, streams atomic.Int32
	cancel         context.CancelCauseFunc
}

// begin makes the context end when the request is begun once too often.
func (t *tries) begin(ctx context.Context) context.Context {
	ctx, t.cancel = context.WithCancelCause(ctx)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		if t.streams.Add(1) > maxTries {
			t.cancel(errSentAway)
		}
	}})
}

// end lets go of what the request needed.
func (t *tries) end() {
	if t != nil {
		t.cancel(nil)
	}
}

// counted refuses to connect once too often.
func (t *tries) counted(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if t.dials.Add(1) > maxTries {
			return nil, errSentAway
		}
		return dial(ctx, network, address)
	}
}

// left reports whether the request may be made again after the error.
func (t *tries) left(err error) bool {
	return sentAway(err) && t.dials.Load() < maxTries && t.streams.Load() < maxTries
}

// explain is why there is no answer.
func (t *tries) explain(err error) error {
	if sentAway(err) || t.streams.Load() > maxTries {
		return errSentAway
	}
	return err
}

// sentAway reports whether a peer has rejected the request without processing it.
func sentAway(err error) bool {
	if errors.Is(err, errRejected) {
		return true
	}
	if stream, ok := errors.AsType[http2.StreamError](err); ok {
		return stream.Code == http2.ErrCodeRefusedStream
	}
	return strings.HasPrefix(err.Error(), "http2: ") && strings.Contains(err.Error(), "GOAWAY") &&
		!strings.Contains(err.Error(), "LastStreamID") || // which it may have seen
		strings.Contains(err.Error(), "REFUSED_STREAM")
}
