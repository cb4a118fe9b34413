package prober

import (
	"context"
	"errors"
	"fmt"

	"github.com/coder/websocket"
)

// dialogue goes through the steps of query_response.
func (r *websocketRun) dialogue(ctx context.Context, conn *websocketConn) error {
	for i := range r.QueryResponse {
		step := &r.QueryResponse[i]
		send := step.Send
		if step.Expect.Regexp != nil {
			r.phase = PhaseTransfer
			_, message, err := conn.Read(context.Background())
			if err != nil {
				return messageError(err)
			}
			match, err := step.Expect.find(ctx, message)
			if err != nil {
				r.phase = PhaseCheck
				return err
			}
			if r.req.Log != nil {
				r.req.Debug("read message", "message", oneLine(string(message)), "matches", match != nil)
			}
			if match == nil {
				r.phase = PhaseCheck
				return because(ReasonBody, fmt.Errorf("message does not match %q", step.Expect))
			}
			send = string(step.Expect.Expand(nil, []byte(send), message, match))
		}
		if send != "" {
			r.req.Debug("sending message", "message", ShownLine(send))
			r.phase = PhaseRequest
			if err := conn.Write(context.Background(), websocket.MessageText, []byte(send)); err != nil {
				return messageError(err)
			}
		}
	}
	return nil
}

// messageError says what is wrong with an answer: that there is none, that the
// peer has hung up, or that it is not a message.
func messageError(err error) error {
	var hungUp websocket.CloseError
	switch {
	case errors.As(err, &hungUp):
		return because(ReasonBody, fmt.Errorf("peer closed the WebSocket: %d %s", hungUp.Code, hungUp.Reason))
	case errors.Is(err, errTooMuch), errors.Is(err, websocket.ErrMessageTooBig):
		return errTooMuch
	case isEOF(err):
		return because(ReasonBody, errors.New("connection closed before the end of a message"))
	case isTimeout(err), isNet(err):
		return err
	}
	return because(ReasonBody, fmt.Errorf("no message: %w", innermost(err)))
}

// innermost is what went wrong, without where in the library it did.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
