package mail

import (
	"bytes"
	"context"
	"io"
	"slices"
)

// Carry sends the mails that next gives, one after another, until it gives nil, and
// calls done for each with a *SendError or nil. It does so over one connection, or more
// if the server ends one early, and holds none when it returns. It ends early after an
// error that is not of the mail: others would fare alike.
func (s *SMTP) Carry(ctx context.Context, next func() *Message, done func(error)) {
	var d *dialogue // nil for none
	defer func() {
		if d != nil {
			d.quit()
			d.close()
		}
	}()
	carried := 0 // over this connection
	for m := next(); m != nil; {
		ready, failed := s.prepare(m)
		if failed == nil && d == nil {
			d, failed = s.open(ctx)
			carried = 0
		}
		if d != nil && failed == nil {
			var untouched bool
			untouched, failed = d.transfer(ready)
			if failed != nil && !failed.connected() {
				d.close()
				d = nil
				if untouched && carried > 0 && ctx.Err() == nil {
					continue // the connection had carried enough
				}
			}
			carried++
		}
		if failed == nil {
			done(nil)
		} else {
			done(failed)
			if !failed.OfMail() {
				return
			}
		}
		m = next()
	}
}

// connected reports whether the connection can carry another mail.
func (e *SendError) connected() bool {
	return e.Code != 0 && e.Reason != ReasonConnect && e.Reason != ReasonAuth && e.Reason != ReasonProtocol
}

// prepared is a mail that is ready to be sent.
type prepared struct {
	to      string
	content []byte
}

// prepare writes a mail.
func (s *SMTP) prepare(m *Message) (prepared, *SendError) {
	if err := s.Check(); err != nil {
		return prepared{}, &SendError{Temporary: true, Reason: ReasonConnect, Text: oneLine("options: "+err.Error(), lineCharacters)}
	}
	to, err := recipient(m.To)
	if err != nil {
		return prepared{}, &SendError{Reason: ReasonRecipient, Text: oneLine(err.Error(), lineCharacters)}
	}
	var content bytes.Buffer
	if err := m.Write(&content, s.From); err != nil {
		return prepared{}, &SendError{Reason: ReasonRejected, Text: oneLine(err.Error(), lineCharacters)}
	}
	return prepared{to: to, content: content.Bytes()}, nil
}

// transfer sends one mail. If it fails, it reports whether the server had not heard of
// the mail yet: it may have ended the connection because that has carried enough.
func (d *dialogue) transfer(m prepared) (untouched bool, err *SendError) {
	if d.unfinished {
		if err := d.step(ReasonProtocol, d.client.Reset); err != nil {
			return true, err
		}
		d.unfinished = false
	}
	from, _ := d.smtp.sender() // checked
	if err := d.step(ReasonSender, func() error { return d.client.Mail("<" + from.Address + ">") }); err != nil {
		d.unfinished = true
		return true, err
	}
	d.unfinished = true
	err = d.step(ReasonRecipient, func() error { return d.client.Rcpt("<" + m.to + ">") })
	if err == nil {
		err = d.content(m.content)
	}
	if err != nil {
		err.ofMail = true
		return false, err
	}
	d.unfinished = false
	return false, nil
}

// content sends what the mail consists of, and waits until the server has taken it.
// Each piece is a step, so that a slow line is not a fault and a stuck server is one.
func (d *dialogue) content(content []byte) *SendError {
	var body io.WriteCloser
	limits := d.smtp.limits()
	err := d.within(limits.data, ReasonRejected, func() (err error) {
		body, err = d.client.Data()
		return err
	})
	if err != nil {
		return err
	}
	const piece = 32 << 10
	for part := range slices.Chunk(content, piece) {
		if err := d.within(limits.piece, ReasonConnect, func() error { _, err := body.Write(part); return err }); err != nil {
			err.Uncertain = true
			return err
		}
	}
	d.say("-- %d bytes of content sent", len(content))
	err = d.within(limits.end, ReasonRejected, body.Close)
	if err != nil {
		err.Uncertain = err.Code == 0
	}
	return err
}
