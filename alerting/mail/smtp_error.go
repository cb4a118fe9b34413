package mail

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strings"
)

// SendReason says what kept a mail from being sent.
type SendReason string

// The reasons.
const (
	ReasonConnect   SendReason = "connect"   // no connection, or it was lost
	ReasonTLS       SendReason = "tls"       // no encryption, or a certificate that is not trusted
	ReasonAuth      SendReason = "auth"      // the login was refused or impossible
	ReasonRecipient SendReason = "recipient" // the address was refused
	ReasonSender    SendReason = "sender"    // the address that mails come from was refused
	ReasonRejected  SendReason = "rejected"  // the content was refused
	ReasonTimeout   SendReason = "timeout"   // a step took too long, or there was no time left
	ReasonProtocol  SendReason = "protocol"  // the answer makes no sense
)

// SendError is why a mail was not sent, or why it is not known whether it was. It
// never holds a password.
type SendError struct {
	// Temporary reports whether it is worth trying again. It is not if the server refused
	// this mail with a code of 5xx, or the mail is none. A wrong password does get 5xx,
	// but once it is put right the mail goes through.
	Temporary bool
	Reason    SendReason
	// Code is what the server answered, 0 if it did not.
	Code int
	// Text is the answer, or the error, in one line.
	Text string
	// Uncertain reports whether the server may have taken the mail all the same: it was being
	// sent, and what the server answered did not arrive.
	Uncertain bool

	ofMail bool  // it happened when the server had been told of the recipient
	cause  error // only of the context and of deadlines, which hold no text of others
}

// Error is the reason and the answer.
func (e *SendError) Error() string {
	if e.Code != 0 {
		return fmt.Sprintf("sending mail: %s: %d %s", e.Reason, e.Code, e.Text)
	}
	return fmt.Sprintf("sending mail: %s: %s", e.Reason, e.Text)
}

// Unwrap is the end of the context, if that was it.
func (e *SendError) Unwrap() error { return e.cause }

// OfMail reports whether it is about this one mail: it was refused, or the server got
// stuck over its recipient or content. Otherwise something is wrong with the server, the
// way to it or the login, and other mails would have fared alike.
func (e *SendError) OfMail() bool { return e.ofMail || e.refused() }

// refused reports whether the server said no to this mail.
func (e *SendError) refused() bool {
	return e.Reason == ReasonRecipient || e.Reason == ReasonRejected
}

// errTooMuch is a server that does not stop talking.
var errTooMuch = errors.New("the answer is too long")

// explain makes the error of a step that failed; reason is the one that an answer of
// the server or a fault without another explanation has.
func explain(ctx context.Context, reason SendReason, err error, mask *strings.Replacer) *SendError {
	e := &SendError{Temporary: true, Reason: reason}
	var answer *textproto.Error
	var malformed textproto.ProtocolError
	var timeout net.Error
	switch {
	case errors.As(err, &answer):
		e.answered(answer.Code)
		e.Text = answer.Msg
	case context.Cause(ctx) != nil:
		e.Reason, e.Text, e.cause = ReasonTimeout, "stopped: "+context.Cause(ctx).Error(), ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e.Reason, e.Text, e.cause = ReasonTimeout, "the server took too long", os.ErrDeadlineExceeded
	case errors.As(err, &malformed), errors.Is(err, errTooMuch):
		e.Reason, e.Text = ReasonProtocol, err.Error()
	case reason != ReasonTLS && lost(err):
		e.Reason, e.Text = ReasonConnect, "the connection was lost: "+err.Error()
	default:
		e.Text = err.Error()
	}
	// A server may repeat what it was told.
	e.Text = oneLine(mask.Replace(e.Text), lineCharacters)
	return e
}

// answered takes in the code of an answer.
func (e *SendError) answered(code int) {
	e.Code = code
	switch {
	case code == 421: // in answer to anything: it is closing the connection
		e.Reason = ReasonConnect
	case slices.Contains([]int{454, 530, 534, 535, 538}, code) && e.Reason != ReasonTLS:
		e.Reason = ReasonAuth
	case code < 400 || code > 599:
		e.Reason = ReasonProtocol
	}
	e.Temporary = code < 500 || !e.refused()
}

// lost reports whether the connection has ended.
func lost(err error) bool {
	var op *net.OpError
	var alert tls.AlertError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &alert) || errors.As(err, &op)
}

// masking hides what a login consists of, in the forms that go over the wire.
func masking(username, password string) *strings.Replacer {
	encode := base64.StdEncoding.EncodeToString
	forms := []string{
		password,
		encode([]byte(password)),
		encode([]byte("\x00" + username + "\x00" + password)),
		encode([]byte("user=" + username + "\x01auth=Bearer " + password + "\x01\x01")),
	}
	var pairs []string
	for _, form := range forms {
		if password != "" {
			pairs = append(pairs, form, "(masked)")
		}
	}
	return strings.NewReplacer(pairs...)
}
